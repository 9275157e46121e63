# Varnish in front of Sward, as it is without any rules. Sward's `Cache-Control: no-store, private` keeps it from caching
# and from merging two players' requests into one; its default is to stream what it fetches.
#
# run: exec varnishd -F -n /tmp/sward-proxy/varnish -s malloc,32m -a 127.0.0.1:8000 -f $PWD/docs/proxies/varnish.vcl

vcl 4.1;

backend sward {
    .host = "127.0.0.1";
    .port = "8080";
}
