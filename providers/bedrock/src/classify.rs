//! What a refusal means: whose fault it is, and how far it reaches.
//!
//! Facts: botocore's error shapes of bedrock-runtime, and Bedrock's troubleshooting of error codes. Bedrock names no
//! time after which to come back.

use sluice_api::error::{Condition, Error, Fault, Kind, Scope};
use sluice_api::provider::Failure;
use sluice_wire::refusal::Refusal;

use crate::errors;

/// A fault, how far it reaches, and the state it leaves.
type Blame = (Fault, Scope, Condition);

const QUOTA: Blame = (Fault::Account, Scope::Account, Condition::QuotaExceeded);
const REFUSED: Blame = (Fault::Account, Scope::Account, Condition::Unauthorized);
/// The account has not this model, or not in this way: an operator must look at it.
const NO_MODEL: Blame = (Fault::Account, Scope::Model, Condition::Unauthorized);
/// The model itself failed or is not there yet; the account's other models are well.
const MODEL_FAILED: Blame = (Fault::Provider, Scope::Model, Condition::Failing);
const MODEL_BUSY: Blame = (Fault::Provider, Scope::Model, Condition::Overloaded);

/// By exception; what is not here is as HTTP's conventions have it.
const EXCEPTIONS: [(&str, Blame); 7] = [
    ("ServiceQuotaExceededException", QUOTA),
    ("ResourceNotFoundException", NO_MODEL),
    ("ModelTimeoutException", MODEL_FAILED),
    ("ModelErrorException", MODEL_FAILED),
    ("ModelStreamErrorException", MODEL_FAILED),
    ("ModelNotReadyException", MODEL_BUSY),
    ("ServiceUnavailableException", MODEL_BUSY),
];

/// By how its sentence begins, which is told within one status; a client's own words never stand at the beginning.
const SENTENCES: [(u16, &str, Blame); 5] = [
    (400, "The provided model identifier is invalid", NO_MODEL),
    // `Invocation of model ID … with on-demand throughput isn't supported`: it wants an inference profile.
    (400, "Invocation of model ID ", NO_MODEL),
    // What AWS tells accounts that may not use Bedrock yet.
    (400, "Operation not allowed", REFUSED),
    (403, "You don't have access to the model", NO_MODEL),
    (429, "Too many tokens per day", (Fault::Account, Scope::Model, Condition::QuotaExceeded)),
];

/// A flag that Bedrock does not know: the request is wrong here, but not everywhere.
const FLAG: &str = "invalid beta flag";

pub(crate) fn classify(failure: &Failure<'_>) -> Error {
    let refusal = Refusal::read(failure.body);
    let told = errors::exception(failure.headers).or(refusal.codes.first().map(String::as_str));
    let status = failure.status.as_u16();
    let said = SENTENCES.iter().find(|(of, start, _)| *of == status && refusal.message.starts_with(start));
    let by_name = || EXCEPTIONS.iter().find(|(name, _)| Some(*name) == told).map(|(_, blame)| *blame);
    // What was no JSON is the sentence by now.
    let mut sentence = *failure;
    sentence.body = refusal.message.as_bytes();
    let usual = sentence.by_convention();
    let facts = usual.facts();
    let error = match told {
        Some(name) => Error::new(Kind::Upstream, format!("Bedrock answered {} ({name})", failure.status)),
        None => Error::new(Kind::Upstream, format!("Bedrock answered {}", failure.status)),
    };
    let error = error.recovers(facts.recovers);
    if let Some((fault, scope, condition)) = said.map(|(.., blame)| *blame).or_else(by_name) {
        return error.blame(fault, scope).elsewhere(true).condition(Some(condition));
    }
    let elsewhere = facts.elsewhere || (status == 400 && refusal.message.contains(FLAG));
    error.blame(facts.fault, facts.scope).elsewhere(elsewhere).condition(facts.condition)
}

#[cfg(test)]
mod tests {
    use super::classify;
    use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
    use serde_json::json;
    use sluice_api::error::{Condition, Fault, Scope};
    use sluice_api::plugin::Timestamp;
    use sluice_api::provider::Failure;

    fn check(
        status: u16,
        exception: &'static str,
        message: &str,
        fault: Fault,
        scope: Scope,
        condition: Option<Condition>,
    ) {
        let mut headers = HeaderMap::new();
        if !exception.is_empty() {
            headers.insert(HeaderName::from_static("x-amzn-errortype"), HeaderValue::from_static(exception));
        }
        let body = json!({ "type": "error", "error": { "type": "x", "message": message } }).to_string();
        let status = StatusCode::from_u16(status).unwrap();
        let (headers, body, now) = (&headers, body.as_bytes(), Timestamp::UNIX_EPOCH);
        let error = classify(&Failure::answer(status, headers, body, now));
        let facts = error.facts();
        assert_eq!(
            (facts.fault, facts.scope, facts.condition),
            (fault, scope, condition),
            "{exception} {message}"
        );
        let elsewhere = condition.is_some() || message.contains("invalid beta flag");
        assert_eq!(facts.elsewhere, elsewhere, "{exception} {message}");
    }

    #[test]
    fn whose_fault_a_refusal_is() {
        use Condition::{Failing, Overloaded, QuotaExceeded, RateLimited, Unauthorized};
        let ours = Fault::Account;
        check(
            429,
            "ThrottlingException",
            "Too many requests, please wait",
            ours,
            Scope::Model,
            Some(RateLimited),
        );
        check(429, "ThrottlingException:http://x", "", ours, Scope::Model, Some(RateLimited));
        check(
            429,
            "ThrottlingException",
            "Too many tokens per day, please wait before trying again.",
            ours,
            Scope::Model,
            Some(QuotaExceeded),
        );
        check(400, "ServiceQuotaExceededException", "m", ours, Scope::Account, Some(QuotaExceeded));
        for name in [
            "AccessDeniedException",
            "UnrecognizedClientException",
            "InvalidSignatureException",
            "ExpiredTokenException",
        ] {
            check(403, name, "The security token is invalid", ours, Scope::Account, Some(Unauthorized));
        }
        check(
            403,
            "AccessDeniedException",
            "You don't have access to the model with the specified model ID.",
            ours,
            Scope::Model,
            Some(Unauthorized),
        );
        check(429, "ModelNotReadyException", "m", Fault::Provider, Scope::Model, Some(Overloaded));
        check(408, "ModelTimeoutException", "m", Fault::Provider, Scope::Model, Some(Failing));
        check(424, "ModelErrorException", "m", Fault::Provider, Scope::Model, Some(Failing));
        check(500, "InternalServerException", "m", Fault::Provider, Scope::Account, Some(Failing));
        check(503, "ServiceUnavailableException", "m", Fault::Provider, Scope::Model, Some(Overloaded));
        check(404, "ResourceNotFoundException", "m", ours, Scope::Model, Some(Unauthorized));
        check(403, "", "<html>a challenge</html>", Fault::Provider, Scope::Account, Some(Failing));
    }

    #[test]
    fn a_validation_is_the_clients_unless_it_is_about_the_account() {
        let client = Fault::Client;
        check(400, "ValidationException", "Input is too long.", client, Scope::Request, None);
        check(
            400,
            "ValidationException",
            "messages.0: The provided model identifier is invalid",
            client,
            Scope::Request,
            None,
        );
        check(400, "ValidationException", "invalid beta flag", client, Scope::Request, None);
        let denied = Some(Condition::Unauthorized);
        check(
            400,
            "ValidationException",
            "The provided model identifier is invalid.",
            Fault::Account,
            Scope::Model,
            denied,
        );
        check(
            400,
            "ValidationException",
            "Invocation of model ID x with on-demand throughput isn't supported. Retry",
            Fault::Account,
            Scope::Model,
            denied,
        );
        check(400, "ValidationException", "Operation not allowed", Fault::Account, Scope::Account, denied);
    }

    #[test]
    fn an_event_in_a_stream_has_no_name_but_a_status() {
        check(429, "", "slow", Fault::Account, Scope::Model, Some(Condition::RateLimited));
        check(529, "", "m", Fault::Provider, Scope::Model, Some(Condition::Overloaded));
        check(400, "", "m", Fault::Client, Scope::Request, None);
        check(504, "", "m", Fault::Provider, Scope::Account, Some(Condition::Failing));
    }
}
