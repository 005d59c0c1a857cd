import X86

/// The instructions translated together: those found by following direct branches from one address, as runs of
/// consecutive instructions in the order of their addresses.
struct TranslationUnit: ~Copyable {
  struct Member: BitwiseCopyable {
    var address: UInt64
    var instruction: Instruction
    var marks: Marks
  }

  /// What is known to lead to an instruction other than the one before it.
  struct Marks: OptionSet, BitwiseCopyable {
    let rawValue: UInt8
    /// A branch or call of this unit that isn't forward.
    static let tickTarget = Marks(rawValue: 1)
    /// A call.
    static let callTarget = Marks(rawValue: 2)
    /// The return from the call before it.
    static let returnSite = Marks(rawValue: 4)
    /// A loop of so few bytes that its translation can fit into one cache line.
    static let shortLoop = Marks(rawValue: 8)
  }

  /// Consecutive instructions, as a range of `members`.
  struct Run: BitwiseCopyable {
    var start: UInt64
    /// Where the run goes on; nil if its last instruction never does.
    var next: UInt64?
    var first: Int32
    var end: Int32
  }

  /// The most instructions in a unit, whatever was asked for.
  static let memberCountMax = 1000
  private static let indexSlots = 4096
  /// Together with its tick and a long form of its branch this is a cache line.
  private static let shortLoopByteCountMax: UInt64 = 45

  let members: UnsafeMutablePointer<Member>
  /// 16 bytes for each member.
  let bytes: UnsafeMutablePointer<UInt8>
  private(set) var count = 0
  private(set) var runs: [Run] = []
  private var pending: [UInt64] = []
  /// Open hash table from address to member, valid where `epochs` holds the current epoch.
  private let indexKeys: UnsafeMutablePointer<UInt64>
  private let indexValues: UnsafeMutablePointer<Int32>
  private let epochs: UnsafeMutablePointer<UInt32>
  private var epoch: UInt32 = 0

  init() {
    members = .allocate(capacity: Self.memberCountMax)
    bytes = .allocate(capacity: Self.memberCountMax * CodePages.windowByteCount)
    indexKeys = .allocate(capacity: Self.indexSlots)
    indexValues = .allocate(capacity: Self.indexSlots)
    epochs = .allocate(capacity: Self.indexSlots)
    epochs.initialize(repeating: 0, count: Self.indexSlots)
  }

  deinit {
    members.deallocate()
    bytes.deallocate()
    indexKeys.deallocate()
    indexValues.deallocate()
    epochs.deallocate()
  }

  func bytes(_ member: Int) -> UnsafeMutablePointer<UInt8> { bytes + member * CodePages.windowByteCount }

  /// Fills the unit with what is reached from `entry`, which isn't translated yet. False if no instruction is there.
  ///
  /// Stops following branches after `followedCount` instructions; takes none that `map` has, and none that
  /// `belongs` refuses.
  mutating func discover(
    _ entry: UInt64, followedCount: Int, _ map: inout InstructionMap, _ pages: inout CodePages,
    belongs: (UInt64) -> Bool
  ) -> Bool {
    reset()
    addRun(entry, &map, &pages)
    if count == 0 { return false }
    var at = 0
    while at < pending.count && count < followedCount {
      let address = pending[at]
      at += 1
      if member(at: address) == nil && map.position(of: address) == nil && belongs(address) {
        addRun(address, &map, &pages)
      }
    }
    markTargets()
    runs.sort { $0.start < $1.start }
    return true
  }

  /// The member at `address`.
  @inline(__always)
  func member(at address: UInt64) -> Int? {
    var slot = Self.slot(address)
    while epochs[slot] == epoch {
      if indexKeys[slot] == address { return Int(indexValues[slot]) }
      slot = (slot + 1) & (Self.indexSlots - 1)
    }
    return nil
  }

  private mutating func reset() {
    count = 0
    runs.removeAll(keepingCapacity: true)
    pending.removeAll(keepingCapacity: true)
    epoch &+= 1
    if epoch == 0 {
      epochs.update(repeating: 0, count: Self.indexSlots)
      epoch = 1
    }
  }

  private mutating func addRun(_ start: UInt64, _ map: inout InstructionMap, _ pages: inout CodePages) {
    let first = count
    var address = start
    var next: UInt64? = start
    var marks = Marks([])
    while count < Self.memberCountMax {
      if count > first && (member(at: address) != nil || map.position(of: address) != nil) { break }
      guard let (instruction, source) = pages.decode(address) else { break }
      bytes(count).update(from: source, count: CodePages.windowByteCount)
      (members + count).initialize(to: Member(address: address, instruction: instruction, marks: marks))
      insert(address, count)
      count += 1
      marks = []
      next = address &+ UInt64(instruction.length)
      switch instruction.kind {
      case .conditionalJump, .counterJump, .jump: pending.append(instruction.target(at: address))
      case .call:
        pending.append(instruction.target(at: address))
        marks = .returnSite
      case .indirectCall: marks = .returnSite
      default: break
      }
      if instruction.endsRun {
        next = nil
        break
      }
      address = next.unsafelyUnwrapped
    }
    guard count > first else { return }
    runs.append(Run(start: start, next: next, first: Int32(first), end: Int32(count)))
  }

  private mutating func markTargets() {
    for index in 0..<count {
      let member = members[index]
      switch member.instruction.kind {
      case .conditionalJump, .counterJump, .jump, .call:
        let target = member.instruction.target(at: member.address)
        guard let destination = self.member(at: target) else { continue }
        if target <= member.address {
          members[destination].marks.insert(.tickTarget)
          if member.address - target < Self.shortLoopByteCountMax { members[destination].marks.insert(.shortLoop) }
        }
        if member.instruction.kind == .call { members[destination].marks.insert(.callTarget) }
      default: continue
      }
    }
  }

  private func insert(_ address: UInt64, _ member: Int) {
    var slot = Self.slot(address)
    while epochs[slot] == epoch { slot = (slot + 1) & (Self.indexSlots - 1) }
    epochs[slot] = epoch
    indexKeys[slot] = address
    indexValues[slot] = Int32(member)
  }

  @inline(__always)
  private static func slot(_ address: UInt64) -> Int {
    Int(truncatingIfNeeded: (address &* 0x9E37_79B9_7F4A_7C15) >> 40) & (indexSlots - 1)
  }
}

/// The code that a liveness scan may look at: this unit's, and what can be decoded from pages that can't change
/// behind the translator's back, or from the page on which the scan began.
struct ReliableCode: InstructionSource {
  let unit: UnsafeMutablePointer<TranslationUnit>
  let pages: UnsafeMutablePointer<CodePages>
  let home: UInt64
  /// The last page other than `home` that was looked at.
  private(set) var otherPage: UInt64?

  init(_ unit: UnsafeMutablePointer<TranslationUnit>, _ pages: UnsafeMutablePointer<CodePages>, from address: UInt64) {
    self.unit = unit
    self.pages = pages
    home = address & ~0xFFF
  }

  mutating func instruction(at address: UInt64) -> Instruction? {
    let page = address & ~0xFFF
    if page != home {
      // A scan over three pages would depend on two; few do, and none has to.
      guard otherPage == nil || otherPage == page else { return nil }
      guard pages.pointee.isStable(address) && pages.pointee.isStable(home) else { return nil }
      otherPage = page
    }
    return pages.pointee.decode(address)?.0
  }
}
