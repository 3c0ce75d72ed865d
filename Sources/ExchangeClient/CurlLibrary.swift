// libcurl itself, started once a process, before its first handle. It reads SSLKEYLOGFILE when it starts and
// would write the keys of every connection into that file: the variable is taken away before. Nothing else of
// the process's environment may be changed here.

internal import CCurl
internal import Exchange
internal import Glibc

enum CurlLibrary {
    static func start() { precondition(isStarted, "libcurl could not be started") }

    private static let isStarted: Bool = {
        if getenv("SSLKEYLOGFILE") != nil { unsetenv("SSLKEYLOGFILE") }
        return curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK
    }()
}
