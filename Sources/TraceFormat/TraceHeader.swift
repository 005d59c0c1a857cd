/// What a trace says of itself before its first event.
package struct TraceHeader: Equatable, Sendable {
  /// 16 bytes.
  package var uuid: [UInt8] = []
  package var tickDefinition: TickDefinition = .none
  /// The engine that recorded: `native`, `hardware` or `software`.
  package var engine = ""
  /// The version of rrs that recorded.
  package var rrsVersion = ""
  /// uname(2): sysname, nodename, release, version, machine.
  package var kernel: [String] = []
  package var cpuid: [CPUIDRecord] = []
  package var hasCPUIDFaulting = false
  /// What `xgetbv` answers: the processor's, less what the program isn't told of.
  package var xcr0: UInt64 = 0
  /// The byte count of an XSAVE area in `TraceEvent.extendedState`.
  package var extendedStateByteCount: UInt32 = 0
  package var boundToCPU: Int32 = -1
  package var syscallBuffering = false
  package var chaosMode = false
  /// The seed of random scheduling decisions, 0 if there were none.
  package var schedulingSeed: UInt64 = 0
  /// `-C`: 0 no memory checksums, else one at every N-th event.
  package var checksumInterval: UInt64 = 0
  package var program = ""
  package var commandLine: [String] = []
  package var environment: [String] = []
  package var workingDirectory = ""
  /// CLOCK_REALTIME at the start, in nanoseconds since the epoch.
  package var startRealtimeNanoseconds: UInt64 = 0
  package var startMonotonicNanoseconds: UInt64 = 0

  package init() {}

  /// What one tick counts.
  package enum TickDefinition: UInt16, Sendable, CustomStringConvertible {
    /// No ticks: tracees change at system calls only.
    case none = 0
    case retiredConditionalBranches = 1
    case nonForwardTransfers = 2

    package var description: String {
      switch self {
      case .none: "none"
      case .retiredConditionalBranches: "retiredConditionalBranches"
      case .nonForwardTransfers: "nonForwardTransfers"
      }
    }
  }

  package struct CPUIDRecord: Equatable, Sendable {
    package var leaf, subleaf, eax, ebx, ecx, edx: UInt32

    package init(leaf: UInt32, subleaf: UInt32, eax: UInt32, ebx: UInt32, ecx: UInt32, edx: UInt32) {
      self.leaf = leaf
      self.subleaf = subleaf
      self.eax = eax
      self.ebx = ebx
      self.ecx = ecx
      self.edx = edx
    }
  }
}
