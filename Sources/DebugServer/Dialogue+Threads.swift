import Debugging
import KernelABI
import RemoteProtocol

extension Dialogue {
  /// The threads of the processes that the debugger debugs.
  var shownThreads: [ThreadIdentity] { target.threads.filter { processes.contains($0.process) } }

  func respondAboutThreads(_ request: Request) throws(DebugError) -> Reply? {
    switch request {
    case .selectThread(let selector, let forResuming):
      if forResuming {
        steppedThread = find(selector, orAny: false)
      } else {
        currentThread = try thread(selector)
      }
      return .ok
    case .isThreadAlive(let selector):
      _ = try thread(selector)
      return .ok
    case .currentThread: return .text("QC" + currentThread.text(withProcess: knowsProcesses))
    case .firstThreads:
      let list = shownThreads.map { $0.text(withProcess: knowsProcesses) }.joined(separator: ",")
      return .text(list.isEmpty ? "l" : "m" + list)
    case .moreThreads: return .text("l")
    case .threadName(let selector):
      return .hex(Array((target.name(of: try thread(selector)) ?? "").utf8))
    default: return .unsupported
    }
  }

  /// The thread that a selector means, or the current one where there is none.
  func thread(_ selector: ThreadSelector?) throws(DebugError) -> ThreadIdentity {
    guard let selector else { return currentThread }
    guard let found = find(selector, orAny: true) else { throw DebugError("there is no such thread", number: 3) }
    return found
  }

  /// A selector that leaves it open means the current thread if that fits, else the first that does.
  private func find(_ selector: ThreadSelector, orAny: Bool) -> ThreadIdentity? {
    func fits(_ part: ThreadSelector.Part, _ number: Int32) -> Bool {
      if case .one(let wanted) = part { wanted == number } else { orAny }
    }
    func fits(_ thread: ThreadIdentity) -> Bool {
      fits(selector.thread, thread.thread) && (selector.process.map { fits($0, thread.process) } ?? true)
    }
    let threads = shownThreads
    if threads.contains(currentThread), fits(currentThread) { return currentThread }
    return threads.first(where: fits)
  }
}
