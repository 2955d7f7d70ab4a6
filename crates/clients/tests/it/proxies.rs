//! Calls through proxies, and connections that serve again.

use easyai_bench::mock::{Answer, RefusedAddress};
use easyai_clients::Clients;
use easyai_core::failure::{Category, Sent};

use crate::bed::{Bed, PLAIN, STREAM, mock};
use crate::proxy::Proxy;

#[tokio::test]
async fn a_plain_http_upstream_is_reached_through_a_tunnel_with_a_login() {
    let (upstream, proxy) = (mock(Answer::default()).await, Proxy::tunnel().await);
    let bed = Bed::at(&upstream.base_url()).through(&format!("http://user:p%40ss@127.0.0.1:{}", proxy.port));
    assert_eq!(bed.tell(STREAM).await.text(), "The answer is 42.");
    let asked = proxy.asked().remove(0);
    assert!(asked.starts_with(&format!("CONNECT {} HTTP/1.1\r\n", upstream.addr())), "{asked}");
    assert!(asked.to_lowercase().contains("proxy-authorization: basic dxnlcjpwqhnz\r\n"), "{asked}");
    assert!(upstream.requests()[0].header("proxy-authorization").is_none());
}

#[tokio::test]
async fn connections_serve_call_after_call() {
    let (upstream, proxy) = (mock(Answer::default()).await, Proxy::tunnel().await);
    let bed = Bed::at(&upstream.base_url()).through(&format!("http://127.0.0.1:{}", proxy.port));
    for _ in 0..10 {
        bed.tell(STREAM).await;
        bed.plain().await;
    }
    // A call that follows at once may come before the connection is back in its pool, and then begins a second one.
    let connections = proxy.asked().len();
    assert!(connections <= 3, "{connections} connections for twenty calls: streams that were read to their end give theirs back");
}

#[tokio::test]
async fn socks_proxies_are_given_the_name_and_the_login() {
    for scheme in ["socks5", "socks5h"] {
        let (upstream, proxy) = (mock(Answer::default()).await, Proxy::socks().await);
        let port = upstream.addr().port();
        let bed = Bed::at(&format!("http://localhost:{port}/v1")).through(&format!("{scheme}://user:secret@127.0.0.1:{}", proxy.port));
        bed.plain().await;
        assert_eq!(proxy.asked(), [format!("user:secret localhost:{port}")]);
    }
}

#[tokio::test]
async fn the_global_proxy_serves_platforms_that_say_nothing() {
    let (upstream, proxy) = (mock(Answer::default()).await, Proxy::tunnel().await);
    let clients = || Clients::new(Some(format!("http://127.0.0.1:{}", proxy.port).into())).unwrap();
    let direct = Bed { clients: clients(), ..Bed::at(&upstream.base_url()) };
    direct.plain().await;
    assert!(proxy.asked().is_empty(), "`none` is not the global one");
    let bed = Bed { clients: clients(), ..Bed::at(&upstream.base_url()).with(|platform| platform.proxy = None) };
    bed.plain().await;
    assert_eq!(proxy.asked().len(), 1);
}

#[tokio::test]
async fn a_proxy_that_is_not_there_sent_nothing_and_is_not_quoted() {
    let (upstream, refused) = (mock(Answer::default()).await, RefusedAddress::take().unwrap());
    for scheme in ["http", "socks5"] {
        let bed = Bed::at(&upstream.base_url()).through(&format!("{scheme}://user:hunter2@{}", refused.addr()));
        let failure = bed.chat(PLAIN).await.unwrap_err();
        assert_eq!((failure.category, failure.sent), (Category::Network, Sent::Nothing));
        assert!(!failure.message.contains("hunter2"), "{failure:?}");
    }
    assert!(
        Bed::at("http://h").through("ftp://user:hunter2@h").chat(PLAIN).await.is_err_and(|failure| !failure.message.contains("hunter2"))
    );
}
