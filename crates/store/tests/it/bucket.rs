//! Assets in a bucket: a server of this process that speaks as much S3 as is needed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use easyai_store::assets::{Addressing, AssetError, AssetPlace, AssetSettings, AssetStore, Bucket, Swept, get};
use easyai_store::testing::{TestDb, TestEngine};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::assets::{picture, png, read, store};

#[derive(Default)]
struct Mock {
    state: Mutex<State>,
    aborted: Notify,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Vec<u8>>,
    uploads: BTreeMap<String, BTreeMap<usize, Vec<u8>>>,
    calls: Vec<String>,
    refuses: bool,
}

impl Mock {
    async fn start() -> (Arc<Self>, String) {
        let (mock, listener) = (Arc::new(Self::default()), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let address = format!("http://{}", listener.local_addr().unwrap());
        let serving = Arc::clone(&mock);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let mock = Arc::clone(&serving);
                let service = service_fn(move |request| answer(Arc::clone(&mock), request));
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service));
            }
        });
        (mock, address)
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().calls)
    }
}

async fn answer(mock: Arc<Mock>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let (key, query) = (head.uri.path().to_owned(), head.uri.query().unwrap_or_default().to_owned());
    let mut state = mock.state.lock().unwrap();
    let signed = head.headers.get("authorization").is_some_and(|value| {
        let value = value.to_str().unwrap();
        value.starts_with("AWS4-HMAC-SHA256 Credential=the-key/") && value.contains("/here/s3/aws4_request")
    });
    let part = query.split('&').find_map(|pair| pair.strip_prefix("partNumber=")).and_then(|number| number.parse().ok());
    let range = head.headers.get("range").map(|range| range.to_str().unwrap().to_owned());
    state.calls.push(format!("{} {key}{}", head.method, part.map(|part: usize| format!(" part {part}")).unwrap_or_default()));
    if state.refuses || !signed {
        return Ok(reply(StatusCode::FORBIDDEN, "<Error><Code>AccessDenied</Code></Error>"));
    }
    let is_upload = query.contains("uploadId=");
    Ok(match (head.method, part) {
        (Method::POST, _) if !is_upload => {
            state.uploads.insert(key, BTreeMap::new());
            let xml = "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>";
            reply(StatusCode::OK, xml)
        }
        (Method::POST, _) => {
            let parts = state.uploads.remove(&key).unwrap();
            state.objects.insert(key, parts.into_values().collect::<Vec<_>>().concat());
            reply(StatusCode::OK, "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>")
        }
        (Method::PUT, Some(part)) => {
            state.uploads.get_mut(&key).unwrap().insert(part, body.to_vec());
            reply(StatusCode::OK, "")
        }
        (Method::PUT, None) => {
            state.objects.insert(key, body.to_vec());
            reply(StatusCode::OK, "")
        }
        (Method::DELETE, _) if is_upload => {
            state.uploads.remove(&key);
            mock.aborted.notify_one();
            reply(StatusCode::NO_CONTENT, "")
        }
        (Method::DELETE, _) => {
            state.objects.remove(&key);
            reply(StatusCode::NO_CONTENT, "")
        }
        (Method::GET, _) => match state.objects.get(&key) {
            Some(object) => part_of(object, &range.unwrap()),
            None => reply(StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>"),
        },
        (other, _) => panic!("{other} {key}?{query}"),
    })
}

fn reply(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let builder = Response::builder().status(status).header("etag", "\"e\"").header("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT");
    builder.body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap()
}

fn part_of(object: &[u8], range: &str) -> Response<Full<Bytes>> {
    let (start, end) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
    let (start, end): (usize, usize) = (start.parse().unwrap(), end.parse().unwrap());
    let mut answer = reply(StatusCode::PARTIAL_CONTENT, "");
    answer.headers_mut().insert("content-range", format!("bytes {start}-{end}/{}", object.len()).parse().unwrap());
    *answer.body_mut() = Full::new(Bytes::copy_from_slice(&object[start..=end]));
    answer
}

async fn bucket(prefix: &str) -> (TestDb, Arc<Mock>, Arc<AssetStore>) {
    let test = TestDb::new(TestEngine::Sqlite).await;
    let (mock, address) = Mock::start().await;
    let bucket = Bucket {
        name: "box".to_owned(),
        prefix: prefix.to_owned(),
        endpoint: Some(address.parse().unwrap()),
        region: "here".to_owned(),
        login: Some(("the-key".to_owned(), SecretString::from("the-secret"))),
        addressing: Addressing::Path,
    };
    let settings = AssetSettings { place: AssetPlace::Bucket(bucket), max_bytes: 1 << 30, keep: None };
    let store = Arc::new(AssetStore::open(&test.db, &settings).await.unwrap());
    (test, mock, store)
}

#[tokio::test]
async fn a_small_asset_is_one_call_and_a_large_one_goes_in_parts_of_one_size() {
    let (_test, mock, assets) = bucket("media").await;
    let (small, large) = (png(1_000, 1), png(20 << 20, 2));
    let asset = store(&assets, picture(0), &small).await.unwrap();
    let key = format!("/box/media/{}", asset.id);
    assert_eq!(mock.calls(), [format!("PUT {key}")]);
    assert_eq!(read(&assets, &asset, 0..1_000).await.unwrap(), small);
    assert_eq!(mock.calls(), [format!("GET {key}")]);

    let asset = store(&assets, picture(0), &large).await.unwrap();
    assert_eq!((asset.object_key.as_str(), asset.size_bytes), (&key[5..], large.len() as u64), "in the same place");
    let parts = (1..=3).map(|part| format!("PUT {key} part {part}"));
    let expected: Vec<_> = [format!("POST {key}")].into_iter().chain(parts).chain([format!("POST {key}")]).collect();
    assert_eq!(mock.calls(), expected);
    assert!(mock.state.lock().unwrap().objects[&key] == large);
    let end = large.len() as u64;
    assert!(read(&assets, &asset, 0..end).await.unwrap() == large);
    assert_eq!(read(&assets, &asset, end - 2..end).await.unwrap(), [2, 2]);

    assets.delete(&asset, easyai_store::now()).await.unwrap();
    assert!(mock.state.lock().unwrap().objects.is_empty());
    assert_eq!(read(&assets, &asset, 0..5).await, Err(AssetError::Missing));
}

#[tokio::test]
async fn an_upload_that_is_not_finished_is_given_up() {
    let (_test, mock, assets) = bucket("").await;
    let mut writer = assets.begin(picture(0));
    writer.write(Bytes::from(png(9 << 20, 1))).await.unwrap();
    assert_eq!(mock.state.lock().unwrap().uploads.len(), 1);
    drop(writer);
    mock.aborted.notified().await;
    let state = mock.state.lock().unwrap();
    assert!(state.uploads.is_empty() && state.objects.is_empty());
}

#[tokio::test]
async fn while_a_bucket_refuses_nothing_is_lost() {
    let (test, mock, assets) = bucket("media").await;
    let kept = store(&assets, picture(0), &png(1_000, 1)).await.unwrap();
    mock.state.lock().unwrap().refuses = true;
    for bytes in [1_000, 9 << 20] {
        let error = store(&assets, picture(1), &png(bytes, 1)).await.unwrap_err();
        assert!(matches!(error, AssetError::Storage(_)) && error.is_temporary(), "{error}");
        assert!(!error.to_string().contains("the-secret"));
    }
    assert!(read(&assets, &kept, 0..5).await.unwrap_err().is_temporary());
    assets.delete(&kept, easyai_store::now()).await.unwrap();
    let row = get(&test.db, kept.id).await.unwrap().unwrap();
    assert!(!row.is_there(easyai_store::now()) && row.deleted_at.is_none());
    assert_eq!(assets.sweep(easyai_store::now()).await, Ok(Swept { deleted: 0, failed: 1 }));
    assert!(assets.counts().failures >= 4);

    mock.state.lock().unwrap().refuses = false;
    assert_eq!(assets.sweep(easyai_store::now()).await, Ok(Swept { deleted: 1, failed: 0 }));
    let stored = store(&assets, picture(1), &png(1_000, 1)).await.unwrap();
    assert_eq!(read(&assets, &stored, 0..1_000).await.unwrap(), png(1_000, 1));
}
