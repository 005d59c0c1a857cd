private import CLinuxShim
import Debugging
import KernelABI
import RemoteProtocol

/// One debugger's session with the target: what it has said about itself and chosen, and the answers to its requests.
final class Dialogue {
  let target: any DebugTarget
  let packetByteCountMax: Int
  let registerFile: RegisterFile

  /// Once set, the last answer has been given.
  private(set) var ending: DebugServer.Ending?

  // MARK: What the debugger said

  /// Its words of qSupported.
  private var features: Set<String> = []
  var knowsProcesses: Bool { features.contains("multiprocess+") }
  var isLLDB = false
  var listsThreads = false

  // MARK: What it chose

  /// The processes that it debugs: the first one, and those that were born of them, until it detaches. What happens in
  /// others isn't shown.
  var processes: Set<Int32>
  /// The thread that requests are about, and the one that a step without a name steps.
  var currentThread: ThreadIdentity
  var steppedThread: ThreadIdentity?
  var breakpoints: Set<Breakpoint> = []
  var openFiles: Set<Int32> = []
  var fileSystemProcess: Int32 = 0
  var savedRegisters: [Int: (registers: ThreadRegisters, signalInfo: [UInt8])] = [:]
  /// As it was read last at this stop.
  var signalInfo: [UInt8]?
  /// `siginfo_t`.
  static let signalInfoByteCount = 128
  /// gdb resumes after its `run`, though the target stands where it should: that is answered at once.
  var hasJustMoved = false
  /// Where the next `continue` of LLDB, which has no `run` with an argument, goes.
  var pendingPlace: DebugPlace?
  /// What the protocol has no room for, to be told to the user otherwise.
  var notices: [String] = []

  func takeNotices() -> [String] {
    defer { notices = [] }
    return notices
  }

  init(target: any DebugTarget, packetByteCountMax: Int) {
    self.target = target
    self.packetByteCountMax = packetByteCountMax
    registerFile = RegisterFile(target.registerFeatures)
    currentThread = target.currentStop.thread
    processes = [target.currentStop.thread.process]
  }

  /// Leaves nothing of the debugger behind in the target.
  func end() {
    forgetBreakpoints()
    for descriptor in openFiles { _ = rrs_close(descriptor) }
    target.setPassedSignals([])
  }

  /// gdb forgets those of a process that it kills or starts anew, and inserts them again.
  func forgetBreakpoints() {
    for breakpoint in breakpoints { try? target.remove(breakpoint) }
    breakpoints = []
  }

  /// The answer, or nil where none is due.
  func answer(_ request: Request, isInterrupted: () -> Bool) -> Reply? {
    do throws(DebugError) {
      return try respond(request, isInterrupted: isInterrupted)
    } catch {
      return reply(for: error)
    }
  }

  /// LLDB knows no errors in words, but numbers with words.
  func reply(for error: DebugError) -> Reply {
    isLLDB ? .errorNumberAndText(UInt8(clamping: max(1, error.number)), error.text) : .errorText(error.text)
  }

  private func respond(_ request: Request, isInterrupted: () -> Bool) throws(DebugError) -> Reply? {
    switch request {
    case .supported(let words):
      features = Set(words)
      return .text(supportedFeatures)
    case .startWithoutAcknowledgements, .extendedMode, .symbols: return .ok
    case .offsets, .unknown: return .unsupported
    case .malformed: return .error(22)
    case .stopReason: return target.threads.isEmpty ? .exited(code: 0, process: currentThread.process) : whereItStands()
    case .attached: return .text("1")
    case .detach(let process): return detach(process)
    case .kill:
      ending = .killed
      return nil
    case .killProcess:
      forgetBreakpoints()
      return .ok
    case .listThreadsInStopReplies:
      listsThreads = true
      return .ok
    case .threadSuffixes:
      isLLDB = true
      return .ok
    case .selectThread, .isThreadAlive, .currentThread, .firstThreads, .moreThreads, .threadName:
      return try respondAboutThreads(request)
    case .readRegisters, .writeRegisters, .readRegister, .writeRegister, .saveRegisters, .restoreRegisters:
      return try respondAboutRegisters(request)
    case .readMemory, .readMemoryBinary, .writeMemory, .searchMemory, .memoryRegion, .allocate, .deallocate:
      return try respondAboutMemory(request)
    case .readObject, .writeObject, .threadLocalAddress: return try respondAboutObjects(request)
    case .insertBreakpoint, .removeBreakpoint, .passSignals, .resumeActions, .resume, .reverseContinue, .reverseStep,
      .run:
      return try respondAboutMotion(request, isInterrupted: isInterrupted)
    case .setFileSystem, .openFile, .closeFile, .readFile, .fileStatus, .readLink: return respondAboutFiles(request)
    case .command, .monitor: return respondToCommand(request)
    }
  }

  /// What rrs offers: rr's list, and the births and ends of processes where the debugger wants them.
  private var supportedFeatures: String {
    let always = [
      "PacketSize=\(Hex.text(UInt64(packetByteCountMax)))", "QStartNoAckMode+", "qXfer:features:read+",
      "qXfer:auxv:read+", "qXfer:exec-file:read+", "qXfer:siginfo:read+", "qXfer:siginfo:write+", "multiprocess+",
      "hwbreak+", "swbreak+", "ConditionalBreakpoints+", "vContSupported+", "QPassSignals+",
    ]
    let backward = target.isMovable ? ["ReverseContinue+", "ReverseStep+"] : []
    let mutual = ["fork-events+", "exec-events+"].filter { features.contains($0) }
    return (always + backward + mutual).joined(separator: ";")
  }

  func understands(_ feature: String) -> Bool { features.contains(feature) }

  private func detach(_ process: Int32?) -> Reply {
    if let process { processes.remove(process) }
    if process == nil || processes.isEmpty { ending = .detached }
    return .ok
  }
}
