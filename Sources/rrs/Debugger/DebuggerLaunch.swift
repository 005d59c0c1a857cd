import CLinuxShim
import DebugServer
import Debugging
import Execution
import Glibc
import KernelABI
import Replay
import TraceFormat

/// Serves a recording to a debugger: one that is started here, in this process's place, or one that comes by itself.
///
/// The debugger takes over the process that the shell knows, with its terminal and its ^C; the replay is a child of it,
/// which ends when the debugger has gone.
struct DebuggerLaunch {
  var options: ReplayOptions
  var beginning: DebugBeginning
  var debugger: DebuggerOptions
  var emergency: EmergencyDebugger
  /// Whether the way to a place may begin at a persistent checkpoint.
  var usesCheckpoints = true

  /// What rr exits with.
  private static let noSuchProcess: Int32 = 2
  private static let needsPort: Int32 = 4

  func run() throws {
    guard debugger.port != nil || !debugger.keepsListening else {
      throw CommandFailure(
        message: "-k waits for one debugger after the other: it needs -s PORT", status: Self.needsPort)
    }
    let listener = try listen()
    if debugger.port != nil { return try serve(listener) { try commandLine($0, listener).announce() } }
    try start(listener)
  }

  private func listen() throws -> DebugListener {
    do throws(KernelError) {
      return try DebugListener(host: debugger.host, port: debugger.port ?? 0)
    } catch {
      throw CommandFailure(
        message: "cannot wait for a debugger at \(debugger.host), port \(debugger.port ?? 0): \(error); "
          + "-s 0 takes any free port",
        status: EX_UNAVAILABLE)
    }
  }

  /// Replays, and serves debuggers until they have gone. `ready` is called when the beginning is reached.
  private func serve(_ listener: DebugListener, _ ready: (DebugSession) throws -> Void) throws {
    _ = Glibc.signal(SIGPIPE, SIG_IGN)
    let session = try openSession()
    defer { session.end() }
    try ready(session)
    _ = try DebugServer(target: session, options: .init(keepsListening: debugger.keepsListening)).serve(on: listener)
  }

  private func openSession() throws -> DebugSession {
    let replay = try Replayer().open(options) { EngineSelection.engine(replaying: $0) }
    do {
      return try DebugSession(
        replay, beginning: beginning, layout: replay.reader.header.extendedStateLayout,
        saved: SavedCheckpoints(replay) { warn($0) }, startsFromSaved: usesCheckpoints)
    } catch let error as DebugError {
      replay.killAll()
      throw CommandFailure(
        message: error.text, status: error.number == Self.noSuchProcess ? Self.noSuchProcess : EX_UNAVAILABLE)
    } catch {
      defer { replay.killAll() }
      let explained = replay.explained(error)
      try emergency.serve(replay, explained)
      throw explained
    }
  }

  private func commandLine(_ session: DebugSession, _ listener: DebugListener) -> DebuggerCommandLine {
    DebuggerCommandLine(options: debugger, listener: listener, target: session)
  }

  // MARK: - Starting the debugger

  private func start(_ listener: DebugListener) throws {
    var pipe: [Int32] = [0, 0]
    let parent = getpid()
    let made = pipe.withUnsafeMutableBytes {
      rrs_syscall(SyscallNumber.pipe2, UInt(bitPattern: $0.baseAddress), UInt(O_CLOEXEC), 0, 0, 0, 0)
    }
    let child = made < 0 ? made : rrs_syscall(SyscallNumber.fork, 0, 0, 0, 0, 0, 0)
    guard child >= 0 else {
      throw CommandFailure(
        message: "cannot start a process for the replay: \(FileStatus.errorText(Int32(-child)))", status: EX_OSERR)
    }
    if child == 0 {
      close(pipe[0])
      let setParentDeathSignal: UInt = 1
      _ = rrs_syscall(SyscallNumber.prctl, setParentDeathSignal, UInt(SIGKILL), 0, 0, 0, 0)
      guard getppid() == parent else { return }
      // ^C is the debugger's: it asks for a stop.
      _ = Glibc.signal(SIGINT, SIG_IGN)
      return try serve(listener) { session in
        var message = Array((commandLine(session, listener).words(script: "").joined(separator: "\0") + "\0").utf8)
        message += [0]
        StandardOutput.write(message, to: pipe[1])
        close(pipe[1])
      }
    }
    close(pipe[1])
    let message = readAll(pipe[0])
    guard !message.isEmpty else { throw CommandFailure(message: "", status: endStatus(Int32(child))) }
    try becomeDebugger(message.split(separator: 0, omittingEmptySubsequences: false).dropLast(2).map {
      String(decoding: $0, as: UTF8.self)
    })
  }

  private func readAll(_ descriptor: Int32) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return bytes }
      bytes += buffer[..<count]
    }
  }

  /// The child has said what was wrong.
  private func endStatus(_ child: Int32) -> Int32 {
    var raw: Int32 = 0
    while waitpid(child, &raw, 0) < 0 { guard errno == EINTR else { return EX_SOFTWARE } }
    if case .exited(let code) = WaitStatus(raw: raw) { return code }
    return EX_SOFTWARE
  }

  private func becomeDebugger(_ words: [String]) throws {
    let script = "/proc/self/fd/\(try debugger.makeScript(isInherited: true))"
    setenv(debugger.isLLDB ? "LLDB_UNDER_RR" : "GDB_UNDER_RR", "1", 1)
    let arguments = words.map { $0.replacing(DebuggerCommandLine.scriptMark, with: script) }
    var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
    pointers.append(nil)
    execvp(debugger.file, &pointers)
    throw CommandFailure(
      message: "cannot start the debugger '\(debugger.file)': \(FileStatus.errorText(errno)); -d names another one",
      status: EX_UNAVAILABLE)
  }
}
