import DebugServer
import Foundation
import KernelABI
import TestSupport

/// A target that is served on a thread of its own.
///
/// Nobody else touches the target until `finish`.
final class ServedTarget: @unchecked Sendable {
  let target: FakeTarget
  let listener: DebugListener
  private let done = DispatchSemaphore(value: 0)
  private var ending: DebugServer.Ending?

  init(_ target: FakeTarget = FakeTarget(), keepsListening: Bool = false) throws {
    self.target = target
    listener = try DebugListener()
    Thread.detachNewThread { [self] in
      ending = try? DebugServer(target: self.target, options: .init(keepsListening: keepsListening)).serve(on: listener)
      done.signal()
    }
  }

  var port: UInt16 { listener.port }

  /// How the server ended, once it has.
  func finish(within seconds: Double = 20) throws -> DebugServer.Ending? {
    guard done.wait(timeout: .now() + seconds) == .success else { throw TestFailure("the server doesn't end") }
    return ending
  }
}
