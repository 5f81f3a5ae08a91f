//! How a request proves whose it is: a signature (SigV4), or a Bedrock API key as a bearer.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials as AccessKey;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Request};
use sluice_api::error::{Error, Kind};
use sluice_api::plugin::Timestamp;
use sluice_api::settings::Secret;

/// The service's name in signatures.
const SERVICE: &str = "bedrock";

/// Beginning of AWS's own headers, which are signed beside the host and the content type. Anything else may be changed
/// on its way without harm.
const AMAZON: &str = "x-amzn-";

/// An account's credentials.
pub(crate) enum Credentials {
    /// An API key, as the header's value.
    Bearer(HeaderValue),
    /// An access key.
    Signing {
        /// The region that signatures are for.
        region: String,
        /// The key.
        identity: Identity,
    },
}

impl Credentials {
    /// An access key; id and token are known to fit into headers.
    pub(crate) fn signing(region: &str, id: &Secret, secret: &Secret, token: Option<&Secret>) -> Self {
        let token = token.map(|token| token.expose().to_owned());
        let key = AccessKey::new(id.expose(), secret.expose(), token, None, "sluice");
        Self::Signing { region: region.to_owned(), identity: key.into() }
    }

    /// Puts the proof into a request, whose other headers are all set.
    ///
    /// # Errors
    ///
    /// When the request can't be signed, which is a defect.
    pub(crate) fn authorize(&self, request: &mut Request<Bytes>, now: Timestamp) -> Result<(), Error> {
        let (region, identity) = match self {
            Self::Bearer(bearer) => {
                request.headers_mut().insert(AUTHORIZATION, bearer.clone());
                return Ok(());
            }
            Self::Signing { region, identity } => (region, identity),
        };
        // The defaults are Bedrock's: the path encoded twice, no header for the body's hash, the token signed.
        let params = v4::SigningParams::builder()
            .identity(identity)
            .region(region)
            .name(SERVICE)
            .time(system_time(now))
            .settings(SigningSettings::default())
            .build()
            .map_err(unsigned)?
            .into();
        let headers = request.headers().iter().filter(|(name, _)| is_signed(name));
        let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let uri = request.uri().to_string();
        let body = SignableBody::Bytes(request.body());
        let signable =
            SignableRequest::new(request.method().as_str(), uri, headers, body).map_err(unsigned)?;
        let (signature, _) = sign(signable, &params).map_err(unsigned)?.into_parts();
        for header in signature.into_parts().0 {
            let mut value = HeaderValue::from_str(header.value()).map_err(unsigned)?;
            value.set_sensitive(true);
            request.headers_mut().insert(header.name(), value);
        }
        Ok(())
    }
}

fn system_time(now: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(now.as_second().try_into().unwrap_or(0))
}

fn is_signed(name: &HeaderName) -> bool {
    name == CONTENT_TYPE || name.as_str().starts_with(AMAZON)
}

fn unsigned(error: impl fmt::Display) -> Error {
    Error::new(Kind::Internal, format!("the request could not be signed: {error}"))
}

impl fmt::Debug for Credentials {
    /// Says which way it is, and nothing of the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bearer(_) => "Bearer(***)",
            Self::Signing { .. } => "Signing(***)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Credentials;
    use bytes::Bytes;
    use http::{HeaderValue, Request};
    use sluice_api::settings::Secret;

    /// The vector was made by botocore.
    const BODY: &str = r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":1,"messages":[{"role":"user","content":"hi"}]}"#;

    fn signed(token: Option<&str>, change: impl FnOnce(&mut Request<Bytes>)) -> Request<Bytes> {
        let secret = |text: &str| Secret::new(text);
        let credentials = Credentials::signing(
            "us-east-1",
            &secret("AKIDEXAMPLE"),
            &secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            token.map(secret).as_ref(),
        );
        let path = "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke";
        let mut request = Request::post(format!("https://bedrock-runtime.us-east-1.amazonaws.com{path}"))
            .header("content-type", "application/json")
            .header("x-hop", "unsigned")
            .body(Bytes::from_static(BODY.as_bytes()))
            .unwrap();
        change(&mut request);
        credentials.authorize(&mut request, "2026-11-23T12:00:00Z".parse().unwrap()).unwrap();
        request
    }

    fn text<'a>(request: &'a Request<Bytes>, name: &str) -> &'a str {
        request.headers()[name].to_str().unwrap()
    }

    #[test]
    fn a_request_has_the_signature_that_aws_expects() {
        let request = signed(None, |_| ());
        assert_eq!(
            text(&request, "authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/us-east-1/bedrock/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=51c60976124cf0c43701f646b5c778527c3ea4c9fc9ac10b2f18b56a8847551e"
        );
        assert_eq!(text(&request, "x-amz-date"), "20261123T120000Z");
        assert!(!format!("{request:?}").contains("51c60976"));
    }

    #[test]
    fn what_aws_reads_is_signed_and_nothing_else() {
        let request = signed(Some("token"), |request| {
            request.headers_mut().insert("x-amzn-bedrock-trace", HeaderValue::from_static("ENABLED"));
        });
        let names = "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amzn-bedrock-trace,";
        assert!(text(&request, "authorization").contains(names));
        assert_eq!(text(&request, "x-amz-security-token"), "token");
    }

    #[test]
    fn credentials_do_not_print() {
        let bearer = Credentials::Bearer(HeaderValue::from_static("hush"));
        let key = Credentials::signing("r", &Secret::new("hush"), &Secret::new("hush"), None);
        assert!(!format!("{bearer:?} {key:?}").contains("hush"));
    }
}
