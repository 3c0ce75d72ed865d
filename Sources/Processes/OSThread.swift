// A plain OS thread: LMDB's write transactions belong to one, and blocking C must not hold a Swift task's.

internal import CLinux
internal import Glibc

package enum OSThread {
    /// Starts a detached thread; names are cut to the 15 bytes that the kernel keeps.
    package static func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(Body(name: String(name.prefix(15)), body: body))
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { raw in
                let body = Unmanaged<Body>.fromOpaque(raw!).takeRetainedValue()
                backstop_set_thread_name(body.name)
                body.body()
                return nil
            }, box.toOpaque())
        precondition(status == 0, "a thread could not be made: \(String(cString: strerror(status)))")
        pthread_detach(thread)
    }

    private final class Body {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
}
