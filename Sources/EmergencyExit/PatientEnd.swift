// Something that ends once, and is waited for.

internal import Dispatch

final class PatientEnd: Sendable {
    private let end = DispatchSemaphore(value: 0)
    func set() { end.signal() }
    func wait() {
        end.wait()
        end.signal()
    }
}
