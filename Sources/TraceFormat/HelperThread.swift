import CTraceFormat
package import Glibc
import SystemPackage

/// A mutex with one condition variable; the waits' clock is CLOCK_MONOTONIC.
package final class Monitor: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  package init() {
    mutex.initialize(to: pthread_mutex_t())
    condition.initialize(to: pthread_cond_t())
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  package func lock() { pthread_mutex_lock(mutex) }
  package func unlock() { pthread_mutex_unlock(mutex) }
  /// Preconditions for the waits: the caller holds the lock.
  package func wait() { pthread_cond_wait(condition, mutex) }
  /// Returns false when the time was up.
  package func wait(until deadline: timespec) -> Bool {
    var deadline = deadline
    return pthread_cond_timedwait(condition, mutex, &deadline) != ETIMEDOUT
  }
  package func wakeAll() { pthread_cond_broadcast(condition) }
}

/// A thread that sees no signal: those of the process stay with the threads that know what to do.
package struct HelperThread {
  private let thread: pthread_t

  package init(_ body: @escaping @Sendable () -> Void) throws(TraceError) {
    final class Body { let run: @Sendable () -> Void; init(_ run: @escaping @Sendable () -> Void) { self.run = run } }
    var all = sigset_t()
    var previous = sigset_t()
    sigfillset(&all)
    // The new thread inherits the mask, so there is no moment in which it could take a signal.
    pthread_sigmask(SIG_SETMASK, &all, &previous)
    defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
    var thread = pthread_t()
    let argument = Unmanaged.passRetained(Body(body))
    let result = pthread_create(
      &thread, nil,
      { raw in
        rrs_name_thread("rrs-trace")
        Unmanaged<Body>.fromOpaque(raw!).takeRetainedValue().run()
        return nil
      }, argument.toOpaque())
    if result != 0 {
      argument.release()
      throw .system(operation: "start a helper thread for", path: "the trace", errno: Errno(rawValue: result))
    }
    self.thread = thread
  }

  package func join() { pthread_join(thread, nil) }
}

/// Does all of these side by side, and throws the error of the first one that returns any. They wait for the disk, not
/// for a processor: file systems then write them together.
func sideBySide(_ tasks: [@Sendable () -> TraceError?]) throws(TraceError) {
  final class Outcome: @unchecked Sendable {
    private let monitor = Monitor()
    private(set) var failures: [Int: TraceError] = [:]

    func run(_ number: Int, _ task: () -> TraceError?) {
      guard let error = task() else { return }
      monitor.lock()
      failures[number] = error
      monitor.unlock()
    }
  }
  let outcome = Outcome()
  var threads: [HelperThread] = []
  for (number, task) in tasks.enumerated() {
    // Where there can be no other thread, this one does it.
    let isLast = number == tasks.count - 1
    if !isLast, let thread = try? HelperThread({ outcome.run(number, task) }) {
      threads.append(thread)
    } else {
      outcome.run(number, task)
    }
  }
  for thread in threads { thread.join() }
  if let first = outcome.failures.min(by: { $0.key < $1.key }) { throw first.value }
}
