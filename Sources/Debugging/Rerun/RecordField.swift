import Execution
package import KernelABI
import TraceeControl

/// One value in a record of registers: `rrs rerun --singlestep=…`.
package struct RecordField: Sendable {
  package let name: String
  /// In binary records.
  package let byteCount: Int
  let source: Source
  /// Counts are decimal in text, registers are not.
  private var isDecimal: Bool {
    switch source {
    case .event, .instructionCount, .thread, .ticks: true
    default: false
    }
  }

  enum Source: Sendable {
    case event, instructionCount, thread, ticks
    case general(@Sendable (Registers) -> UInt64)
    case xmm(Int), ymm(Int)
    /// The bits of XSTATE_BV, in the XSAVE area's header (Intel SDM volume 1, 13.4.2).
    case componentsInUse
    /// The last x87 instruction's address and opcode, where an exception of it is pending.
    case x87Address, x87Opcode
    case mxcsr
  }

  init(_ name: String, _ source: Source, byteCount: Int = 8) {
    self.name = name
    self.source = source
    self.byteCount = byteCount
  }

  /// Whether the value lies in the state that XSAVE saves.
  package var isExtended: Bool {
    switch source {
    case .xmm, .ymm, .componentsInUse, .x87Address, .x87Opcode, .mxcsr: true
    default: false
    }
  }

  // MARK: - Names

  /// In the order of their numbers in instructions.
  private static let generalRegisters: [RecordField] = [
    .init("rax", .general { $0.rax }), .init("rcx", .general { $0.rcx }), .init("rdx", .general { $0.rdx }),
    .init("rbx", .general { $0.rbx }), .init("rsp", .general { $0.rsp }), .init("rbp", .general { $0.rbp }),
    .init("rsi", .general { $0.rsi }), .init("rdi", .general { $0.rdi }), .init("r8", .general { $0.r8 }),
    .init("r9", .general { $0.r9 }), .init("r10", .general { $0.r10 }), .init("r11", .general { $0.r11 }),
    .init("r12", .general { $0.r12 }), .init("r13", .general { $0.r13 }), .init("r14", .general { $0.r14 }),
    .init("r15", .general { $0.r15 }),
  ]

  private static let segmentRegisters: [RecordField] = [
    .init("es", .general { $0.es }), .init("cs", .general { $0.cs }), .init("ss", .general { $0.ss }),
    .init("ds", .general { $0.ds }), .init("fs", .general { $0.fs }), .init("gs", .general { $0.gs }),
  ]

  private static let others: [RecordField] = [
    .init("event", .event), .init("icount", .instructionCount), .init("ticks", .ticks),
    .init("tid", .thread, byteCount: 4), .init("rip", .general { $0.rip }), .init("rflags", .general { $0.eflags }),
    .init("orig_rax", .general { $0.origRax }), .init("fsbase", .general { $0.fsBase }),
    .init("gsbase", .general { $0.gsBase }), .init("xinuse", .componentsInUse), .init("fip", .x87Address),
    .init("fop", .x87Opcode, byteCount: 2), .init("mxcsr", .mxcsr, byteCount: 4),
  ]

  private static let groups: [String: [RecordField]] = [
    "gp_x16": generalRegisters,
    "segregs": segmentRegisters,
    "xmm_x16": (0..<16).map { .init("xmm\($0)", .xmm($0), byteCount: 16) },
    "ymm_x16": (0..<16).map { .init("ymm\($0)", .ymm($0), byteCount: 32) },
  ]

  /// rr's other names.
  private static let synonyms = ["ip": "rip", "flags": "rflags"]

  /// Users' lists of names, separated by commas. Throws `DebugError` for one that isn't a name.
  package static func list(_ text: String) throws(DebugError) -> [RecordField] {
    var fields: [RecordField] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let name = synonyms[String(part)] ?? String(part)
      if let group = groups[name] {
        fields += group
      } else if let field = (others + generalRegisters + segmentRegisters).first(where: { $0.name == name }) {
        fields.append(field)
      } else {
        throw DebugError("there is no register '\(name)'")
      }
    }
    return fields
  }

  // MARK: - Values

  /// Little-endian.
  func bytes(_ moment: RecordedMoment) -> [UInt8] {
    switch source {
    case .event: littleEndian(moment.event)
    case .instructionCount: littleEndian(moment.instructionCount)
    case .thread: littleEndian(UInt64(UInt32(bitPattern: moment.tid.rawValue)))
    case .ticks: littleEndian(moment.ticks)
    case .general(let value): littleEndian(value(moment.general))
    case .xmm(let number): moment.xmm(number)
    case .ymm(let number): moment.xmm(number) + moment.highHalf(number)
    case .componentsInUse: littleEndian(moment.componentsInUse)
    case .x87Address: littleEndian(moment.x87Address)
    case .x87Opcode: littleEndian(UInt64(moment.extended?.opcode ?? 0))
    case .mxcsr: moment.extended.map { Array($0.bytes[24..<28]) } ?? littleEndian(0)
    }
  }

  private func littleEndian(_ value: UInt64) -> [UInt8] {
    (0..<byteCount).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  /// `name:VALUE`
  func text(_ moment: RecordedMoment) -> String {
    let bytes = bytes(moment)
    if isDecimal { return "\(name):\(bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })" }
    let digits = bytes.reversed().reduce(into: "") { $0 += ($1 < 16 ? "0" : "") + String($1, radix: 16) }
    let significant = digits.drop { $0 == "0" }
    return "\(name):0x\(significant.isEmpty ? "0" : significant)"
  }
}

/// A thread's state, when something has changed it.
struct RecordedMoment {
  /// The event that its code leads to, or that just happened.
  var event: UInt64
  /// Instructions of the thread since the event before.
  var instructionCount: UInt64
  var tid: Tid
  var ticks: UInt64
  var general: Registers
  /// Read where a field wants it.
  var extended: ProcessorState?

  func xmm(_ number: Int) -> [UInt8] {
    let start = 160 + 16 * number
    return extended.map { Array($0.bytes[start..<start + 16]) } ?? [UInt8](repeating: 0, count: 16)
  }

  /// The upper half of a vector register, which is in a component of its own.
  func highHalf(_ number: Int) -> [UInt8] {
    let halves = extended?.component(ExtendedStateLayout.avx, byteCount: 256)
    return halves.map { Array($0[16 * number..<16 * number + 16]) } ?? [UInt8](repeating: 0, count: 16)
  }

  var componentsInUse: UInt64 {
    extended?.bytes.withUnsafeBytes {
      $0.loadUnaligned(fromByteOffset: ExtendedStateLayout.headerOffset, as: UInt64.self)
    } ?? 0
  }

  /// Of the program's own code: the engine's is nobody's business.
  var x87Address: UInt64 {
    guard let address = extended?.instructionPointer, address != 0 else { return 0 }
    return OwnMemory.owns(RemoteRange(RemotePointer(address), byteCount: 1)) ? 0 : address
  }
}

/// How records of these fields are written.
package struct RecordFormat: Sendable {
  package var fields: [RecordField]
  package var isBinary: Bool

  package init(fields: [RecordField], isBinary: Bool) {
    self.fields = fields
    self.isBinary = isBinary
  }

  var wantsExtendedState: Bool { fields.contains(where: \.isExtended) }

  /// Ends with a line feed.
  func record(_ moment: RecordedMoment) -> [UInt8] {
    let newline = UInt8(ascii: "\n")
    guard isBinary else { return fields.map { $0.text(moment) }.joined(separator: " ").utf8 + [newline] }
    return fields.flatMap { $0.bytes(moment) } + [newline]
  }
}
