//! A bucket that speaks S3: Amazon's, or another's at an endpoint of its own.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::{ObjectStore, RetryConfig};
use secrecy::{ExposeSecret, SecretString};

use super::AssetError;
use super::door::Door;

/// A call is repeated so often before it counts as failed: what it is for is tried again as a whole later.
const RETRIES: usize = 3;

/// After this long a call is not repeated.
const RETRY_FOR: Duration = Duration::from_secs(20);

easyai_core::words! {
    /// How a bucket is named in a call.
    pub enum Addressing as "addressing of a bucket" {
        /// `https://ENDPOINT/BUCKET/KEY`.
        Path = "path",
        /// `https://BUCKET.ENDPOINT/KEY`; some providers take nothing else.
        Host = "host",
    }
}

/// A bucket.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// What the keys of all objects begin with, without slashes around it; may be empty.
    pub prefix: String,
    /// Where it is; Amazon's own if none. With [`Addressing::Host`] it is written without the bucket's name.
    pub endpoint: Option<::url::Url>,
    /// Its region, which is part of every signature.
    pub region: String,
    /// Access key and secret key; without them those of the machine, the container or the web identity, the way AWS's own SDKs find
    /// them.
    pub login: Option<(String, SecretString)>,
    /// How it is named.
    pub addressing: Addressing,
}

impl Bucket {
    pub(super) fn open(&self) -> Result<Arc<dyn ObjectStore>, AssetError> {
        let builder = match &self.login {
            Some((key, secret)) => AmazonS3Builder::new().with_access_key_id(key).with_secret_access_key(secret.expose_secret()),
            None => AmazonS3Builder::from_env(),
        };
        let retry = RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_FOR, ..RetryConfig::default() };
        let mut builder = builder
            .with_bucket_name(&self.name)
            .with_region(&self.region)
            .with_virtual_hosted_style_request(self.addressing == Addressing::Host)
            // One object at a time is deleted anyway, and not every provider has the call for many.
            .with_disable_bulk_delete(true)
            .with_retry(retry)
            .with_http_connector(Door::new()?);
        if let Some(endpoint) = self.endpoint()? {
            builder = builder.with_endpoint(endpoint);
        }
        builder.build().map(|bucket| Arc::new(bucket) as Arc<dyn ObjectStore>).map_err(|error| AssetError::Setting(error.to_string()))
    }

    fn endpoint(&self) -> Result<Option<String>, AssetError> {
        let Some(endpoint) = &self.endpoint else { return Ok(None) };
        let mut endpoint = endpoint.clone();
        if self.addressing == Addressing::Host {
            let host = format!("{}.{}", self.name, endpoint.host_str().unwrap_or_default());
            endpoint
                .set_host(Some(&host))
                .map_err(|error| AssetError::Setting(format!("the bucket's host {host} can't be used: {error}")))?;
        }
        Ok(Some(endpoint.as_str().trim_end_matches('/').to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(addressing: Addressing) -> Bucket {
        Bucket {
            name: "b".to_owned(),
            prefix: String::new(),
            endpoint: Some("https://s3.example.com:9000".parse().unwrap()),
            region: "x".to_owned(),
            login: Some(("key".to_owned(), SecretString::from("hunter2"))),
            addressing,
        }
    }

    #[test]
    fn a_bucket_is_in_the_path_or_in_the_host() {
        assert_eq!(bucket(Addressing::Path).endpoint().unwrap().unwrap(), "https://s3.example.com:9000");
        assert_eq!(bucket(Addressing::Host).endpoint().unwrap().unwrap(), "https://b.s3.example.com:9000");
    }

    #[test]
    fn a_buckets_secret_is_not_in_debug_output() {
        let bucket = bucket(Addressing::Path);
        assert!(!format!("{bucket:?}").contains("hunter2"));
        assert!(!format!("{:?}", bucket.open().unwrap()).contains("hunter2"));
    }
}
