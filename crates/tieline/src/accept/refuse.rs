//! Sending a refusal so that it arrives.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use tieline_proto::http::encode_response;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// Answers, tells the client that nothing more comes, and waits until it leaves.
///
/// A transport that is dropped with unread bytes is reset, and a reset destroys the answer on its
/// way; so what still comes is read and thrown away, for as long as `within` says.
pub(super) async fn refuse<S>(stream: &mut S, response: &Response<Bytes>, within: Duration)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let answered = async {
        stream.write_all(&encode_response(response)).await?;
        stream.flush().await?;
        stream.shutdown().await?;
        let mut unread = [0; 1 << 10];
        while stream.read(&mut unread).await? > 0 {}
        io::Result::Ok(())
    };
    // Why it was refused is what the caller hears: that the client left meanwhile is no news.
    let _gone_or_not = timeout(within, answered).await;
}
