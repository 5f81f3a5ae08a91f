//! What the servers under test stand between, and what they need for it.

use crate::certificate::Certificate;
use crate::scratch::Scratch;
use crate::upstream::Addresses;

/// The same for all of them.
#[derive(Debug)]
pub(crate) struct Ground<'a> {
    /// Their files.
    pub(crate) scratch: &'a Scratch,
    /// The certificate of the upstream, and of those that clients come to by TLS.
    pub(crate) certificate: &'a Certificate,
    /// The upstream.
    pub(crate) upstream: Addresses,
}
