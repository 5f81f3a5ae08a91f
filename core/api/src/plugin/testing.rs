//! What plugin crates test with: a section from TOML, and a transport that must not be used.

use async_trait::async_trait;
use bytes::Bytes;
use figment::Figment;
use figment::providers::{Format, Toml};
use figment::value::{Dict, Value};
use http::{Request, Response};
use jiff::Timestamp;

use crate::dialect::{Api, Form, Operation};
use crate::error::{Error, Kind};
use crate::provider::{Body, Call, CallCx, Transport, Vault};
use crate::settings::{Origins, Secret, Section};

/// Builds with a section that has these values.
///
/// # Errors
///
/// Whatever the build says; or that the text is no TOML.
pub fn with_section<T>(
    toml: &str,
    build: impl FnOnce(&Section<'_>) -> Result<T, Vec<crate::settings::Problem>>,
) -> Result<T, Vec<crate::settings::Problem>> {
    let values: Dict = Figment::from(Toml::string(toml))
        .extract()
        .map_err(|error| vec![crate::settings::Problem::at("test", "", error.to_string())])?;
    build(&Section { name: "account", path: "accounts.account", values: &values, origin: &Nowhere })
}

#[derive(Debug)]
struct Nowhere;

impl Origins for Nowhere {
    fn of(&self, _value: &Value) -> String {
        "test".to_owned()
    }
}

/// A call with nothing special about it.
#[must_use]
pub fn call(api: Api, operation: Operation, form: Form, model: &str) -> Call {
    let mut call = Call::new(api, operation, form, model);
    call.body = Bytes::from_static(b"{}");
    call
}

/// A context whose transport sends nothing and whose vault is empty.
#[must_use]
pub fn context() -> CallCx<'static> {
    CallCx::new(&Unused, &Unused, Timestamp::UNIX_EPOCH)
}

#[async_trait]
impl Vault for Unused {
    async fn get(&self, _name: &str) -> Result<Option<Secret>, Error> {
        Ok(None)
    }

    async fn put(&self, _name: &str, _secret: &Secret) -> Result<(), Error> {
        Err(Error::new(Kind::Internal, "a test kept something"))
    }
}

#[derive(Debug)]
struct Unused;

#[async_trait]
impl Transport for Unused {
    async fn send(&self, _request: Request<Bytes>) -> Result<Response<Body>, Error> {
        Err(Error::new(Kind::Internal, "a test sent something"))
    }
}
