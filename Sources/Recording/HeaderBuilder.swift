import CLinuxShim
import KernelABI
import TraceFormat
import TraceeControl

/// What a trace says of the machine and the program before its first event.
enum HeaderBuilder {
  static func header(_ options: RecordOptions, program: String, processor: Int32) -> TraceHeader {
    var header = TraceHeader()
    header.uuid = options.traceID.count == 16 ? options.traceID : randomID()
    header.rrsVersion = RRSVersion.current
    header.kernel = kernelNames()
    header.xcr0 = rrs_xgetbv0()
    header.cpuid = CPUIDTable.read().hiding(options.hiddenFeatures, xcr0: &header.xcr0).records
    header.extendedStateByteCount = CPUIDTable.extendedStateByteCount
    header.boundToCPU = processor
    header.chaosMode = options.chaosSeed != nil
    header.schedulingSeed = options.chaosSeed ?? 0
    header.checksumInterval = options.checksumInterval
    header.program = program
    header.commandLine = options.arguments
    header.environment = options.environment
    header.workingDirectory = ProcFS.readLink("/proc/self/cwd") ?? ""
    header.startRealtimeNanoseconds = rrs_realtime_nanoseconds()
    header.startMonotonicNanoseconds = rrs_monotonic_nanoseconds()
    return header
  }

  private static func randomID() -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
  }

  /// sysname, nodename, release, version, machine of uname(2): 65 bytes each.
  private static func kernelNames() -> [String] {
    var buffer = [UInt8](repeating: 0, count: 65 * 6)
    let result = buffer.withUnsafeMutableBytes {
      rrs_syscall(SyscallNumber.uname, UInt(bitPattern: $0.baseAddress), 0, 0, 0, 0, 0)
    }
    guard result == 0 else { return [] }
    return (0..<5).map { index in
      String(decoding: buffer[(index * 65)..<((index + 1) * 65)].prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
