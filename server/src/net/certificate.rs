//! The certificate that TLS shows, read again when its files change: nobody is cut when it is renewed.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::time::MissedTickBehavior;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{ServerConfig, version};

use crate::metrics::Metrics;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Bytes of a file: a long chain has some ten kilobytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// A certificate with its key, and the files that they came from.
#[derive(Debug)]
pub struct Certificate {
    chain_file: PathBuf,
    key_file: PathBuf,
    /// What the files were known by just before they were first read.
    first: Stamp,
    current: RwLock<Arc<CertifiedKey>>,
}

/// By what a changed file is known: a renewal may keep the length, and a link that points elsewhere the time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp([Option<(SystemTime, u64, u64)>; 2]);

impl Certificate {
    /// Reads a chain of certificates and a private key, both PEM.
    ///
    /// # Errors
    /// A file cannot be read, or the two do not belong together.
    pub fn read(chain_file: &Path, key_file: &Path) -> io::Result<Arc<Self>> {
        let (chain_file, key_file) = (chain_file.to_owned(), key_file.to_owned());
        // Before they are read: whatever changes from here on is seen.
        let first = Stamp([&chain_file, &key_file].map(stamp));
        let current = RwLock::new(Arc::new(read(&chain_file, &key_file)?));
        Ok(Arc::new(Self { chain_file, key_file, first, current }))
    }

    /// TLS 1.2 and 1.3 with this certificate, for HTTP/2 and HTTP/1.1.
    ///
    /// # Errors
    /// Never: the cryptography that is built in supports both versions.
    pub fn acceptor(self: &Arc<Self>) -> io::Result<TlsAcceptor> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Reads the files again when they change, and on SIGHUP, until the task is dropped. What cannot be used leaves the
    /// old certificate in place.
    ///
    /// From this call on, not from the first poll, SIGHUP no longer ends the process.
    pub fn keep_fresh(self: Arc<Self>, metrics: Arc<Metrics>) -> impl Future<Output = ()> + use<> {
        self.look(Asked::new(), metrics)
    }

    async fn look(self: Arc<Self>, mut asked: Asked, metrics: Arc<Metrics>) {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = self.first.clone();
        loop {
            let is_asked = tokio::select! {
                _ = looks.tick() => false,
                () = asked.next() => true,
            };
            let stamp = self.stamp().await;
            if !is_asked && stamp == seen {
                continue;
            }
            seen = stamp;
            let outcome = match self.reload().await {
                Ok(()) => {
                    tracing::info!("the certificate was read again");
                    "ok"
                }
                Err(error) => {
                    tracing::warn!(%error, "the new certificate cannot be used; the old one stays");
                    "failed"
                }
            };
            metrics.tls_reloads.with_label_values(&[outcome]).inc();
        }
    }

    async fn reload(self: &Arc<Self>) -> io::Result<()> {
        let this = Arc::clone(self);
        let reading = tokio::task::spawn_blocking(move || read(&this.chain_file, &this.key_file));
        let fresh = Arc::new(reading.await.map_err(io::Error::other)??);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    async fn stamp(self: &Arc<Self>) -> Stamp {
        let this = Arc::clone(self);
        let looking =
            tokio::task::spawn_blocking(move || Stamp([&this.chain_file, &this.key_file].map(stamp)));
        looking.await.unwrap_or(Stamp([None, None]))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn read(chain_file: &Path, key_file: &Path) -> io::Result<CertifiedKey> {
    let named = |file: &Path, error: &dyn std::fmt::Display| {
        io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", file.display()))
    };
    let chain = contents(chain_file).map_err(|error| named(chain_file, &error))?;
    let chain = CertificateDer::pem_slice_iter(&chain)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| named(chain_file, &error))?;
    if chain.is_empty() {
        return Err(named(chain_file, &"no certificate"));
    }
    let key = contents(key_file).map_err(|error| named(key_file, &error))?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| named(key_file, &error))?;
    // This also checks that the two belong together.
    CertifiedKey::from_der(chain, key, &provider()).map_err(|error| named(chain_file, &error))
}

/// What is in a file. A pipe could keep its reader for ever, and with it the process when it is to stop.
fn contents(file: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(file)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(file)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("more than {FILE_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

fn stamp(file: &PathBuf) -> Option<(SystemTime, u64, u64)> {
    let data = fs::metadata(file).ok()?;
    #[cfg(unix)]
    let identity = std::os::unix::fs::MetadataExt::ino(&data);
    #[cfg(not(unix))]
    let identity = 0;
    Some((data.modified().ok()?, data.len(), identity))
}

/// An operator who asks by SIGHUP.
#[cfg(unix)]
struct Asked(Option<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Asked {
    fn new() -> Self {
        Self(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok())
    }

    async fn next(&mut self) {
        match &mut self.0 {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }
}

/// There are no signals.
#[cfg(not(unix))]
struct Asked;

#[cfg(not(unix))]
impl Asked {
    fn new() -> Self {
        Self
    }

    async fn next(&mut self) {
        std::future::pending().await
    }
}
