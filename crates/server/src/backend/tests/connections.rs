//! Where connections lead, which HTTP is spoken on them, and whose they are.

use std::net::SocketAddr;
use std::sync::Mutex;

use http::Version;
use hyper::body::Incoming;
use hyper::service::service_fn;

use super::*;

#[tokio::test]
async fn a_name_of_the_inside_is_refused_however_it_is_spelled() {
    let (url, asked) = serve_in_turn(&[200]).await;
    let port = url.rsplit_once(':').unwrap().1;
    // To the resolver this is the same host; to the rules it is another name.
    let name = format!("http://localhost.:{port}");
    let error = backend(&name, "").call(get("/")).await.unwrap_err();
    // Where the system's resolver does not know it, nothing is reached either.
    assert!(
        matches!(error, BackendError::Forbidden(_) | BackendError::Unreachable(_)),
        "{error:?}"
    );
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    let name = format!("http://localhost:{port}");
    assert_eq!(backend(&name, "").call(get("/")).await.unwrap().status, 200);
}

#[tokio::test]
async fn over_http_2_calls_share_a_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen: Arc<Mutex<Vec<(SocketAddr, Version)>>> = Arc::default();
    let saw = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, from)) = listener.accept().await {
            let saw = Arc::clone(&saw);
            let service = service_fn(move |request: hyper::Request<Incoming>| {
                saw.lock().unwrap().push((from, request.version()));
                async { Ok::<_, Infallible>(http::Response::new("h2".to_owned())) }
            });
            let stream = hyper_util::rt::TokioIo::new(stream);
            let executor = hyper_util::rt::TokioExecutor::new();
            let serving = hyper::server::conn::http2::Builder::new(executor);
            tokio::spawn(serving.serve_connection(stream, service));
        }
    });
    let backend = backend(&url, "protocol = 'http2'");
    for _ in 0..3 {
        assert_eq!(backend.call(get("/")).await.unwrap().body, "h2");
    }
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|(from, version)| (from, *version) == (&seen[0].0, Version::HTTP_2)));
}

/// Serves HTTPS, in the version that the client chooses, and says which that was.
async fn serve_tls(key: &rcgen::CertifiedKey<rcgen::KeyPair>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let private = rustls::pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![key.cert.der().clone()], private.unwrap())
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let stream = hyper_util::rt::TokioIo::new(stream);
            let service = service_fn(|request: hyper::Request<Incoming>| {
                let version = format!("{:?}", request.version());
                async { Ok::<_, Infallible>(http::Response::new(version)) }
            });
            let executor = hyper_util::rt::TokioExecutor::new();
            if is_h2 {
                let serving = hyper::server::conn::http2::Builder::new(executor);
                tokio::spawn(serving.serve_connection(stream, service));
            } else {
                let serving = hyper::server::conn::http1::Builder::new();
                tokio::spawn(serving.serve_connection(stream, service));
            }
        }
    });
    url
}

#[tokio::test]
async fn over_tls_the_version_is_agreed_and_the_certificate_has_to_be_good() {
    let make = || rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (good, other) = (make(), make());
    let url = serve_tls(&good).await;
    let call = async |key: &rcgen::CertifiedKey<rcgen::KeyPair>, settings: &str| {
        let file = tieline_store::Scratch::new();
        std::fs::write(&*file, key.cert.pem()).unwrap();
        let settings = format!("{settings}\nca_file = '{}'", file.display());
        let backend = backend(&url, &settings);
        let _ = std::fs::remove_file(&*file);
        backend.call(get("/")).await
    };
    assert_eq!(call(&good, "").await.unwrap().body, "HTTP/2.0");
    assert_eq!(call(&good, "protocol = 'http1'").await.unwrap().body, "HTTP/1.1");
    let error = call(&other, "retries = 0").await.unwrap_err();
    assert!(
        matches!(&error, BackendError::Unreachable(why) if why.contains("certificate")),
        "{error:?}"
    );
}

#[test]
fn each_thread_has_connections_of_its_own() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime();
    let from: Arc<Mutex<Vec<String>>> = Arc::default();
    let url = server.block_on(serve(|request| async move {
        format!("{:?}", request.version()).into_response()
    }));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = std::thread::spawn(move || server.block_on(stopped).ok());
    let backend = backend(&url, "");
    // One after another, on threads whose runtimes end: no connection outlives its own.
    for _ in 0..3 {
        let (backend, from) = (Arc::clone(&backend), Arc::clone(&from));
        std::thread::spawn(move || {
            let reply = runtime().block_on(backend.call(get("/"))).unwrap();
            // The same thread, another runtime: what is in the pool is dead, and found to be.
            runtime().block_on(backend.call(get("/"))).unwrap();
            from.lock().unwrap().push(String::from_utf8(reply.body.to_vec()).unwrap());
        })
        .join()
        .unwrap();
    }
    assert_eq!(*from.lock().unwrap(), ["HTTP/1.1"; 3]);
    let _ = stop.send(());
    serving.join().unwrap();
}
