//! What is tested: each file in `docs/proxies`, which runs as it stands by the command in it.

/// A program that stands between players and the server.
#[derive(Debug, Clone, Copy)]
pub struct Product {
    pub name: &'static str,
    /// What to run.
    pub program: &'static str,
    /// Makes it tell its version.
    pub version_option: &'static str,
}

/// How a client gets to the server through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It is what the client takes for the server.
    Reverse,
    /// The client asks it for the server's URL.
    Forward,
}

/// One file in `docs/proxies`.
#[derive(Debug, Clone, Copy)]
pub struct Configuration {
    pub file: &'static str,
    pub product: Product,
    pub kind: Kind,
    /// For the page.
    pub remark: &'static str,
}

const NGINX: Product = Product { name: "nginx", program: "nginx", version_option: "-v" };
const HAPROXY: Product = Product { name: "HAProxy", program: "haproxy", version_option: "-v" };
const APACHE: Product = Product { name: "Apache httpd", program: "apache2", version_option: "-v" };
const VARNISH: Product = Product { name: "Varnish", program: "varnishd", version_option: "-V" };
const SQUID: Product = Product { name: "Squid", program: "squid", version_option: "-v" };
/// Squid is asked for, too; the scanner is what may be missing.
const C_ICAP: Product = Product { name: "Squid with c-icap", program: "c-icap", version_option: "-V" };
const PRIVOXY: Product = Product { name: "Privoxy", program: "privoxy", version_option: "--version" };
const MITMPROXY: Product = Product { name: "mitmproxy", program: "mitmdump", version_option: "--version" };
const CADDY: Product = Product { name: "Caddy", program: "caddy", version_option: "version" };
const LIGHTTPD: Product = Product { name: "lighttpd", program: "lighttpd", version_option: "-v" };
const H2O: Product = Product { name: "h2o", program: "h2o", version_option: "-v" };
const NGHTTPX: Product = Product { name: "nghttpx", program: "nghttpx", version_option: "-v" };
const TRAFFIC_SERVER: Product =
    Product { name: "Traffic Server", program: "traffic_server", version_option: "-V" };
const TINYPROXY: Product = Product { name: "Tinyproxy", program: "tinyproxy", version_option: "-v" };
const E2GUARDIAN: Product = Product { name: "e2guardian", program: "e2guardian", version_option: "-v" };
const ZIPROXY: Product = Product { name: "Ziproxy", program: "ziproxy", version_option: "--help" };

const fn reverse(file: &'static str, product: Product, remark: &'static str) -> Configuration {
    Configuration { file, product, kind: Kind::Reverse, remark }
}

const fn forward(file: &'static str, product: Product, remark: &'static str) -> Configuration {
    Configuration { file, product, kind: Kind::Forward, remark }
}

/// In the order of the page.
pub const CONFIGURATIONS: &[Configuration] = &[
    reverse(
        "nginx.conf",
        NGINX,
        "the default: HTTP/1.0 upstream, buffering on; `X-Accel-Buffering: no` switches it off",
    ),
    reverse("nginx-gzip.conf", NGINX, "gzip for all types"),
    reverse("nginx-recommended.conf", NGINX, "**copy this one**"),
    reverse("haproxy.cfg", HAPROXY, "the default holds each chunk for up to 200 ms; `raw` has no chunks"),
    reverse("haproxy-recommended.cfg", HAPROXY, "`option http-no-delay`: **copy this one**"),
    reverse("apache.conf", APACHE, "the default of mod_proxy_http: **copy this one**"),
    reverse("caddy.Caddyfile", CADDY, "`encode gzip`: **copy this one**"),
    reverse("lighttpd.conf", LIGHTTPD, "the default of mod_proxy reads answers to their end"),
    reverse("lighttpd-recommended.conf", LIGHTTPD, "`server.stream-response-body`: **copy this one**"),
    reverse("varnish.vcl", VARNISH, "the default"),
    reverse("varnish-buffered.vcl", VARNISH, "`do_stream = false`: reads answers to their end"),
    reverse("varnish-recommended.vcl", VARNISH, "pipes the stream: **copy this one**"),
    reverse("h2o.conf", H2O, "the default: **copy this one**"),
    reverse("nghttpx.conf", NGHTTPX, "the default: **copy this one**"),
    reverse("trafficserver.conf", TRAFFIC_SERVER, "Debian's configuration: **copy this one**"),
    reverse("mitmproxy.yaml", MITMPROXY, "the default reads answers to their end, as virus scanners do"),
    reverse("mitmproxy-recommended.yaml", MITMPROXY, "`stream_large_bodies`"),
    forward("squid.conf", SQUID, "forward proxy, the default"),
    forward("squid-icap.conf", C_ICAP, "forward proxy whose virus scanner reads answers to their end"),
    forward(
        "privoxy.conf",
        PRIVOXY,
        "forward proxy with Debian's filters, which hold all text until it is complete",
    ),
    forward("tinyproxy.conf", TINYPROXY, "forward proxy, the default; a connection for each request"),
    forward(
        "e2guardian.conf",
        E2GUARDIAN,
        "forward proxy with Debian's filters, which want the whole of a text",
    ),
    forward("ziproxy.conf", ZIPROXY, "forward proxy that makes texts smaller: reads answers to their end"),
];
