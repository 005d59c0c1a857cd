import CLinuxShim
package import Execution
import KernelABI
package import TraceFormat
import TraceeControl

/// Replays a recording from its start.
package struct Replayer {
  package init() {}

  /// Replays to the end, or to where `options` say. Throws `Divergence`, `ReplayError` or `TraceError`.
  /// `makeEngine` is given the trace's header, `onFailure` the session as it is when it fails.
  package func replay(
    _ options: ReplayOptions, onFailure: (ReplaySession, any Error) throws -> Void = { _, _ in },
    _ makeEngine: (TraceHeader) throws -> any Engine
  ) throws -> ReplayOutcome {
    let session = try open(options, makeEngine)
    defer { session.killAll() }
    do {
      try session.run()
    } catch {
      let explained = session.explained(error)
      try onFailure(session, explained)
      throw explained
    }
    return ReplayOutcome(
      eventCount: session.eventCount, isCutShort: session.reader.isCutShort, status: session.rootStatus,
      stopCount: session.stopCount, notes: session.notes)
  }

  /// A session at the start of a recording.
  package func open(
    _ options: ReplayOptions, _ makeEngine: (TraceHeader) throws -> any Engine
  ) throws -> ReplaySession {
    let reader = try TraceReader(directory: options.traceDirectory)
    try Self.checkHeader(reader.header, options)
    reader.keepFiles()
    Self.bind(reader.header, options)
    ResourceLimits.raiseOpenFiles()
    return ReplaySession(options: options, reader: reader, engine: try makeEngine(reader.header))
  }

  /// The recorded processor, because cpuid tells its number (leaves 1 and 0xb); where this machine lacks it, any one.
  private static func bind(_ header: TraceHeader, _ options: ReplayOptions) {
    guard !options.cpuUnbound else { return }
    if header.boundToCPU < 0 || rrs_bind_cpu(0, header.boundToCPU) != 0 {
      _ = rrs_bind_cpu(0, Int32(rrs_current_cpu()))
    }
  }

  private static func checkHeader(_ header: TraceHeader, _ options: ReplayOptions) throws {
    if options.force { return }
    let missing = CPUIDTable(records: header.cpuid).features(notIn: .read()).map(\.name)
    guard missing.isEmpty else {
      throw ReplayError.unusableTrace(
        "the trace was recorded with features that this processor lacks (\(missing.joined(separator: " "))): replay it "
          + "on a machine that has them, record again with --cpu or --disable-cpuid-features, or try with -F")
    }
    // Features that were hidden from the program may be here.
    let isUsable = header.engine == "software" ? header.xcr0 & ~rrs_xgetbv0() == 0 : header.xcr0 == rrs_xgetbv0()
    guard isUsable else {
      throw ReplayError.unusableTrace(
        "the trace was recorded on a processor with other register state (xcr0 0x\(String(header.xcr0, radix: 16)), "
          + "here 0x\(String(rrs_xgetbv0(), radix: 16))): replay it on a machine like that one, or try with -F")
    }
  }
}

extension ReplaySession {
  /// What goes wrong on this machine, as a `ReplayError` that says where it did; other errors as they are.
  package func explained(_ error: any Error) -> any Error {
    switch error {
    case let error as KernelError: ReplayError.internalError("replay failed after event \(eventCount): \(error)")
    case let error as CounterError: ReplayError.unavailable("replay failed after event \(eventCount): \(error)")
    case let error as TraceeDied:
      ReplayError.internalError(
        "a tracee died in replay after event \(eventCount) (\(error.status)): was it killed from outside?")
    default: error
    }
  }
}
