import CLinuxShim
package import Execution
import KernelABI
import SystemPackage
package import TraceFormat
import TraceeControl

/// Records a process tree.
package struct Recorder {
  package init() {}

  /// Records until the first process (or with `waitForAll` the last descendant) is gone.
  ///
  /// Must be called on the process's only tracing thread; blocks until the recording ends. SIGINT, SIGQUIT and SIGHUP
  /// are left to the tracees meanwhile; SIGTERM is passed on to the first process. `makeEngine` is given the trace's
  /// header, which lacks what the engine says of itself.
  package func record(
    _ options: RecordOptions, _ makeEngine: (TraceHeader) throws -> any Engine
  ) throws -> RecordOutcome {
    let path = try Self.locate(options.program, environment: options.environment)
    let processor = Self.processor(options)
    var header = HeaderBuilder.header(options, program: path, processor: processor)
    let engine = try makeEngine(header)
    guard engine.interceptsCPUID || !options.requiresCpuidInterception else {
      throw RecordError.unavailable(
        "features of the processor can't be hidden with this engine: programs ask cpuid themselves; take "
          + "--engine=software")
    }
    header.engine = engine.name
    header.tickDefinition = TraceHeader.TickDefinition(engine.tickUnit)
    let writer: TraceWriter
    do {
      writer = try TraceWriter(directory: options.traceDirectory, header: header)
      writer.clonesFiles = options.cloneFiles
    } catch {
      throw RecordError.traceWriteFailed("\(error)")
    }
    let session = RecordSession(options: options, engine: engine, writer: writer)
    try Self.bind(processor)
    let tid = try Self.spawn(path, options)
    rrs_ignore_terminal_signals()
    rrs_catch_termination()
    defer { rrs_restore_terminal_signals() }
    do {
      try session.run(first: tid)
    } catch let error as RecordError {
      session.abandon()
      throw error
    } catch let error as CounterError {
      session.abandon()
      throw RecordError.unavailable("the recording can't go on: \(error)")
    } catch {
      session.abandon()
      throw RecordError.internalError("the recording ended with an error: \(error)")
    }
    return RecordOutcome(
      status: session.rootStatus ?? .exited(code: 0), eventCount: session.eventCount, stops: session.stops,
      notes: session.notes)
  }

  private static func spawn(_ path: String, _ options: RecordOptions) throws -> Tid {
    var spawning = TraceeSpawner.Options()
    spawning.randomizeAddresses = options.randomizeAddresses
    do {
      return try TraceeSpawner.spawn(
        path: path, arguments: options.arguments, environment: options.environment, options: spawning)
    } catch let error as TraceeSpawner.ExecFailed {
      throw RecordError.spawnFailed(program: options.program, reason: "\(error.errno)")
    } catch let error as KernelError {
      throw RecordError.unavailable("cannot trace '\(options.program)': \(error); `rrs doctor` says what is missing")
    }
  }

  /// One processor for tracer and tracees: a stop costs a fraction there.
  private static func bind(_ processor: Int32) throws {
    guard processor < 0 || rrs_bind_cpu(0, processor) == 0 else {
      throw RecordError.unavailable("cannot run on processor \(processor): choose another with --bind-to-cpu")
    }
  }

  /// The processor to run on; -1: whichever.
  private static func processor(_ options: RecordOptions) -> Int32 {
    switch options.cpu {
    case .unbound: -1
    case .any: Int32(rrs_current_cpu())
    case .number(let number): Int32(number)
    }
  }

  /// The program's path, looked up like execvp(3).
  static func locate(_ program: String, environment: [String]) throws -> String {
    if program.contains("/") {
      guard rrs_open(program, 0x20_0000 /* O_PATH */, 0).closing() else {
        throw RecordError.spawnFailed(program: program, reason: "no such file")
      }
      return program
    }
    let path = environment.first { $0.hasPrefix("PATH=") }.map { $0.dropFirst(5) } ?? "/usr/local/bin:/usr/bin:/bin"
    for directory in path.split(separator: ":", omittingEmptySubsequences: false) {
      let candidate = (directory.isEmpty ? "." : directory) + "/" + program
      let executable = candidate.withCString { rrs_syscall(SyscallNumber.access, UInt(bitPattern: $0), 1, 0, 0, 0, 0) }
      if executable == 0, let status = FileStatus(path: String(candidate)), status.isRegular {
        return String(candidate)
      }
    }
    throw RecordError.spawnFailed(program: program, reason: "not found in PATH")
  }
}

extension Int {
  /// Closes a descriptor that was just opened; false if it wasn't.
  fileprivate func closing() -> Bool {
    guard self >= 0 else { return false }
    _ = rrs_close(Int32(self))
    return true
  }
}

extension TraceHeader.TickDefinition {
  init(_ unit: TickUnit?) {
    switch unit {
    case nil: self = .none
    case .retiredConditionalBranches: self = .retiredConditionalBranches
    case .nonForwardTransfers: self = .nonForwardTransfers
    }
  }
}
