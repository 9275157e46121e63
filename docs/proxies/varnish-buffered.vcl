# Varnish that fetches every answer completely before it passes it on, as some sites set it up to count or change bodies.
# An endless answer never comes through: only complete ones do (`mode=drain`). Better: varnish-recommended.vcl.
#
# run: exec varnishd -F -n /tmp/sward-proxy/varnish -s malloc,32m -a 127.0.0.1:8000 -f $PWD/docs/proxies/varnish-buffered.vcl

vcl 4.1;

backend sward {
    .host = "127.0.0.1";
    .port = "8080";
}

sub vcl_backend_response {
    set beresp.do_stream = false;
}
