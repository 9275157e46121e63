//! Where the server is.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::Uri;
use tokio::net::{TcpStream, lookup_host};

use super::ClientError;
use super::connection::CONNECT_TIMEOUT;
use super::post::Requests;

/// A server: its URL's parts and the address to connect to. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    authority: Arc<str>,
    prefix: Arc<str>,
    address: SocketAddr,
    /// The address is that of a forward proxy, which wants to be told the whole URL.
    is_proxy: bool,
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
        let mut failure = std::io::Error::new(std::io::ErrorKind::NotFound, "the host has no address");
        for address in target.addresses().await? {
            match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(_)) => return target.at(address).checked().await,
                Ok(Err(error)) => failure = error,
                Err(_) => failure = std::io::ErrorKind::TimedOut.into(),
            }
        }
        Err(unreachable(failure))
    }

    /// As [`Endpoint::reach`], by way of a forward proxy (Squid, Privoxy, mitmproxy), which resolves the host itself.
    ///
    /// # Errors
    /// As [`Endpoint::reach`].
    pub async fn reach_through(url: &str, proxy: SocketAddr) -> Result<Self, ClientError> {
        let endpoint = Self { is_proxy: true, ..Target::parse(url)?.at(proxy) };
        endpoint.checked().await
    }

    /// Resolves `url` and takes its first address, without a request: for a server that may be down now.
    ///
    /// # Errors
    /// [`ClientError::BadUrl`] for what is no such URL, [`ClientError::Unreachable`] for a host without an address.
    pub async fn resolve(url: &str) -> Result<Self, ClientError> {
        let target = Target::parse(url)?;
        let mut addresses = target.addresses().await?;
        let nowhere = || std::io::Error::new(std::io::ErrorKind::NotFound, "the host has no address");
        let address = addresses.next().ok_or_else(|| ClientError::Unreachable {
            authority: target.authority.clone(),
            error: nowhere(),
        })?;
        Ok(target.at(address))
    }

    async fn checked(self) -> Result<Self, ClientError> {
        Requests::new(self.clone(), None).time().await?;
        Ok(self)
    }

    /// The address that connections go to: the server's, or the proxy's.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Host and port as the URL has them: the `Host` header.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// What stands in the first line of a request for a route.
    pub(crate) fn target(&self, route: &str) -> String {
        if self.is_proxy {
            format!("http://{}{}{route}", self.authority, self.prefix)
        } else {
            format!("{}{route}", self.prefix)
        }
    }
}

impl Target {
    fn at(&self, address: SocketAddr) -> Endpoint {
        Endpoint {
            authority: self.authority.as_str().into(),
            prefix: self.prefix.as_str().into(),
            address,
            is_proxy: false,
        }
    }

    async fn addresses(&self) -> Result<impl Iterator<Item = SocketAddr> + use<>, ClientError> {
        let found = lookup_host((self.host.clone(), self.port)).await;
        let addresses =
            found.map_err(|error| ClientError::Unreachable { authority: self.authority.clone(), error })?;
        Ok(addresses.collect::<Vec<_>>().into_iter())
    }

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
    fn a_proxy_is_told_the_whole_url() {
        let endpoint = Target::parse("http://example.org:81/game").unwrap().at(([127, 0, 0, 1], 3128).into());
        assert_eq!(endpoint.target("/v1/time"), "/game/v1/time");
        let through = Endpoint { is_proxy: true, ..endpoint };
        assert_eq!(through.target("/v1/time"), "http://example.org:81/game/v1/time");
        assert_eq!(through.authority(), "example.org:81");
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
