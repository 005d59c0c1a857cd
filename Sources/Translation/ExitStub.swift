/// The traps in the cache at which translated code asks for the tracer: an `int3`, a byte that names the kind, and
/// what the kind needs. The cache holds all there is to know, so that it means the same in every process it is in.
enum ExitStub {
  enum Kind: UInt8 {
    /// A direct branch to code without a translation. 32 bits: the number of the link.
    case link = 1
    /// An indirect transfer to an address without a landing: the target is in the data page, rcx in the spill slot,
    /// the transfer's tick isn't counted yet.
    case miss
    /// The tick counter has reached zero. 64 bits: the application address to go on from.
    case tick
    /// The same, with rcx in the spill slot.
    case tickWithSpill
    /// An instruction that isn't executed in the cache. 8 bits: its kind.
    case instruction
    /// A breakpoint of the debugger's. The instruction follows.
    case breakpoint
  }

  static let linkByteCount = 6
  static let breakpointByteCount = 2
}
