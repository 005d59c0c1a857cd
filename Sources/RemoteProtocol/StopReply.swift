package import KernelABI

/// Why a debugger stands where it stands, as the protocol says it. GDB manual, "Stop Reply Packets".
package struct StopReply: Equatable, Sendable {
  package enum Detail: Equatable, Sendable {
    case none
    case softwareBreakpoint
    case hardwareBreakpoint
    case writeWatchpoint(UInt64)
    case readWatchpoint(UInt64)
    case accessWatchpoint(UInt64)
    case historyBegin
    case historyEnd
    case fork(child: ThreadIdentity)
    case exec(path: [UInt8])
  }

  /// By gdb's number.
  package var signal: UInt8
  package var thread: ThreadIdentity
  package var detail: Detail
  /// For LLDB: all threads, with their instruction pointers.
  package var listedThreads: [ListedThread] = []

  package struct ListedThread: Equatable, Sendable {
    package var thread: ThreadIdentity
    package var instructionPointer: UInt64

    package init(thread: ThreadIdentity, instructionPointer: UInt64) {
      self.thread = thread
      self.instructionPointer = instructionPointer
    }
  }

  package init(signal: UInt8, thread: ThreadIdentity, detail: Detail = .none) {
    self.signal = signal
    self.thread = thread
    self.detail = detail
  }

  /// `T05thread:p1f.20;swbreak:;`.
  package func text(withProcess: Bool) -> String {
    var text = "T"
    if signal < 16 { text += "0" }
    text += Hex.text(UInt64(signal)) + "thread:" + thread.text(withProcess: withProcess) + ";"
    text += detail.text(withProcess: withProcess)
    if !listedThreads.isEmpty {
      text += "threads:" + listedThreads.map { $0.thread.text(withProcess: withProcess) }.joined(separator: ",") + ";"
      text += "thread-pcs:" + listedThreads.map { Hex.text($0.instructionPointer) }.joined(separator: ",") + ";"
    }
    return text
  }
}

extension StopReply.Detail {
  func text(withProcess: Bool) -> String {
    switch self {
    case .none: ""
    case .softwareBreakpoint: "swbreak:;"
    case .hardwareBreakpoint: "hwbreak:;"
    case .writeWatchpoint(let address): "watch:\(Hex.text(address));"
    case .readWatchpoint(let address): "rwatch:\(Hex.text(address));"
    case .accessWatchpoint(let address): "awatch:\(Hex.text(address));"
    case .historyBegin: "replaylog:begin;"
    case .historyEnd: "replaylog:end;"
    case .fork(let child): "fork:\(child.text(withProcess: withProcess));"
    case .exec(let path): "exec:\(String(decoding: Hex.encode(path), as: UTF8.self));"
    }
  }
}
