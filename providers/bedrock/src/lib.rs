//! Accounts on AWS Bedrock.
