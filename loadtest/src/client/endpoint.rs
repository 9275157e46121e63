//! Where the server is.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::Uri;
use tokio::net::{TcpStream, lookup_host};

use super::ClientError;
use super::connection::CONNECT_TIMEOUT;
use super::post::Requests;

/// A server that was reached once: its URL's parts and the address that answered. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    authority: Arc<str>,
    prefix: Arc<str>,
    address: SocketAddr,
}

/// The parts of a URL that a connection needs.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    host: String,
    port: u16,
    authority: String,
    prefix: String,
}

impl Endpoint {
    /// Resolves `url` (`http://host[:port][/prefix]`), connects once to find the address that answers, and asks it for
    /// the time to see that it is a Sward server.
    ///
    /// # Errors
    /// [`ClientError::BadUrl`] for what is no such URL, [`ClientError::Unreachable`] if nobody answers, and the others
    /// if whoever answers is no Sward server.
    pub async fn reach(url: &str) -> Result<Self, ClientError> {
        let target = Target::parse(url)?;
        let unreachable = |error| ClientError::Unreachable { authority: target.authority.clone(), error };
        let addresses = lookup_host((target.host.as_str(), target.port)).await.map_err(unreachable)?;
        let mut failure = std::io::Error::new(std::io::ErrorKind::NotFound, "the host has no address");
        for address in addresses {
            match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(_)) => {
                    let endpoint =
                        Self { authority: target.authority.into(), prefix: target.prefix.into(), address };
                    Requests::new(endpoint.clone(), None).time().await?;
                    return Ok(endpoint);
                }
                Ok(Err(error)) => failure = error,
                Err(_) => failure = std::io::ErrorKind::TimedOut.into(),
            }
        }
        Err(unreachable(failure))
    }

    /// The address that answered.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Host and port as the URL has them: the `Host` header.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The path of a route on this server.
    pub(super) fn path(&self, route: &str) -> String {
        format!("{}{route}", self.prefix)
    }
}

impl Target {
    fn parse(url: &str) -> Result<Self, ClientError> {
        let bad = |reason| ClientError::BadUrl { url: url.to_owned(), reason };
        let uri: Uri = url.parse().map_err(|_| bad("write http://host:port"))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(bad("this client speaks plain http:// only")),
            _ => return Err(bad("it has to begin with http://")),
        }
        if uri.query().is_some() {
            return Err(bad("it has a query"));
        }
        let authority = uri.authority().ok_or_else(|| bad("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(bad("it has a user name"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(bad("it has no host"));
        }
        Ok(Self {
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: authority.as_str().to_owned(),
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, want: Option<(&str, u16, &str, &str)>) {
        let got = Target::parse(url).ok();
        let want = want.map(|(host, port, authority, prefix)| Target {
            host: host.to_owned(),
            port,
            authority: authority.to_owned(),
            prefix: prefix.to_owned(),
        });
        assert_eq!(got, want, "{url}");
    }

    #[test]
    fn a_url_is_taken_apart() {
        check("http://127.0.0.1:8080", Some(("127.0.0.1", 8080, "127.0.0.1:8080", "")));
        check("http://127.0.0.1:8080/", Some(("127.0.0.1", 8080, "127.0.0.1:8080", "")));
        check("http://example.org/game/", Some(("example.org", 80, "example.org", "/game")));
        check("http://[::1]:9000", Some(("::1", 9000, "[::1]:9000", "")));
    }

    #[test]
    fn other_urls_are_refused() {
        for url in [
            "",
            "localhost",
            "127.0.0.1:8080",
            "https://example.org",
            "ftp://example.org",
            "http://",
            "http://a b",
            "http://example.org/?token=x",
            "http://me@example.org/",
        ] {
            check(url, None);
        }
    }
}
