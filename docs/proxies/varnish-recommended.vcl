# Varnish in front of Sward: the one to copy. Nothing of /v1 can be cached, so Varnish only passes its bytes on.
#
# run: exec varnishd -F -n /tmp/sward-proxy/varnish -s malloc,32m -a 127.0.0.1:8000 -f $PWD/docs/proxies/varnish-recommended.vcl

vcl 4.1;

backend sward {
    .host = "127.0.0.1";
    .port = "8080";
    # A stream says something every 5 s (15 s in a hidden tab).
    .between_bytes_timeout = 60s;
}

sub vcl_recv {
    if (req.url ~ "^/v1/stream") {
        # A tunnel of bytes: no rule about bodies that stands elsewhere reaches it, and its end is seen at both sides.
        return (pipe);
    }
    if (req.url ~ "^/v1/") {
        return (pass);
    }
}

sub vcl_pipe {
    # Otherwise later requests of this connection would go down the same pipe, past all rules.
    set bereq.http.Connection = "close";
}
