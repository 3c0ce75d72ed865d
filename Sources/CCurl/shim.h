// libcurl 7.88 as Debian 12 has it. Its setters are variadic, which Swift cannot call: one typed setter for
// each type of argument. Nothing else belongs here; what is set, and why, stands in ExchangeClient.
#ifndef BACKSTOP_CCURL_H
#define BACKSTOP_CCURL_H
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

/// Reads or takes `size * count` bytes; the context is what was set beside it.
typedef size_t (*backstop_curl_bytes)(char *bytes, size_t size, size_t count, void *context);

static inline CURLcode backstop_curl_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode backstop_curl_set_off(CURL *easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}

/// libcurl copies the text (but for CURLOPT_POSTFIELDS, which must not be used at all).
static inline CURLcode backstop_curl_set_text(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode backstop_curl_set_pointer(CURL *easy, CURLoption option, void *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode backstop_curl_set_headers(CURL *easy, struct curl_slist *headers) {
    return curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
}

static inline CURLcode backstop_curl_set_callback(CURL *easy, CURLoption option, backstop_curl_bytes callback) {
    return curl_easy_setopt(easy, option, callback);
}

static inline CURLcode backstop_curl_set_debug(CURL *easy, curl_debug_callback callback) {
    return curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, callback);
}

static inline CURLcode backstop_curl_get_long(CURL *easy, CURLINFO info, long *value) {
    return curl_easy_getinfo(easy, info, value);
}

static inline CURLcode backstop_curl_get_pointer(CURL *easy, CURLINFO info, char **value) {
    return curl_easy_getinfo(easy, info, value);
}

static inline CURLMcode backstop_curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}
#endif
