package import KernelABI

/// Shows system calls as strace does: `openat(AT_FDCWD, "/etc/hosts", O_RDONLY|O_CLOEXEC) = 3`.
///
/// A trace holds what the kernel wrote, not what the program did. An input whose bytes aren't known shows as its
/// address.
package struct SyscallPrinter: Sendable {
  /// The bytes known at an address: as many as are known from there on, no more than asked for; nil if none are.
  package typealias Memory = (_ address: RemotePointer, _ byteCount: Int) -> [UInt8]?

  /// How much of a string or a buffer is shown; `...` stands for the rest.
  package var stringLimit = 32

  package init(stringLimit: Int = 32) { self.stringLimit = stringLimit }

  /// A call and what became of it.
  package enum Outcome: Sendable {
    case result(Int64)
    /// Still in the kernel.
    case unfinished
  }

  package struct Argument: Equatable, Sendable {
    package var name: String
    package var value: UInt64
    package var text: String
  }

  package struct Call: Sendable {
    package var name: String
    package var arguments: [Argument]
    /// nil while the call is in the kernel, and for calls that don't return.
    package var result: Int64?
    package var resultText: String

    /// The whole call in one line.
    package var line: String {
      let list = arguments.map(\.text).joined(separator: ", ")
      if resultText == SyscallPrinter.unfinishedText { return "\(name)(\(list) \(resultText)" }
      return "\(name)(\(list)) = \(resultText)"
    }
  }

  static let unfinishedText = "<unfinished ...>"

  /// The call that these registers made. `registers` are those of the event: the arguments, and the result in `rax`.
  package func describe(_ registers: Registers, isFinished: Bool, memory: @escaping Memory) -> Call {
    describe(
      number: registers.syscallNumber, arguments: (0..<6).map { registers.argument($0) },
      outcome: isFinished ? .result(registers.syscallResult) : .unfinished, memory: memory)
  }

  /// The call of that number with those six arguments.
  package func describe(
    number: Int, arguments: [UInt64], outcome: Outcome, memory: @escaping Memory
  ) -> Call {
    precondition(arguments.count == 6, "a system call has six arguments")
    let result: Int64? = if case .result(let value) = outcome { value } else { nil }
    guard let row = SyscallTable.descriptor(number) else {
      let shown = arguments.enumerated().map { Argument(name: "arg\($0 + 1)", value: $1, text: PrintedText.hex($1)) }
      let text = result.map { self.resultText($0, as: .number) } ?? Self.unfinishedText
      return Call(name: SyscallTable.name(number), arguments: shown, result: result, resultText: text)
    }
    var parameters = row.specialParameters { arguments[$0] }
    var request: (index: Int, name: String)?
    if case .subcommand(let table) = row.policy {
      let index = table.requestArgument(number: number)
      if let subcommand = table.row(number: number, arguments: { arguments[$0] }) {
        parameters = subcommand.parameters
        // A futex operation has modifiers, which its flags show; modify_ldt's functions are numbers.
        if table != .futex && table != .descriptorTable { request = (index, subcommand.name) }
      }
    }
    let printing = CallPrinting(
      arguments: arguments, result: result, memory: memory, stringLimit: stringLimit)
    var shown: [Argument] = []
    for (index, parameter) in parameters.enumerated() where index < 6 && !isLeftOut(row, index, arguments) {
      if case .unused = parameter.kind { continue }
      var text = request?.index == index ? request?.name : nil
      if isUnwritten(row, index, result) { text = PrintedText.address(arguments[index]) }
      shown.append(
        Argument(
          name: parameter.name, value: arguments[index],
          text: text ?? printing.text(parameter.kind, arguments[index])))
    }
    let text = result.map { self.resultText($0, as: ResultKind(row, arguments)) } ?? Self.unfinishedText
    return Call(name: row.name, arguments: shown, result: result, resultText: text)
  }

  /// The mode of an open that creates nothing means nothing.
  private func isLeftOut(_ row: SyscallDescriptor, _ index: Int, _ arguments: [UInt64]) -> Bool {
    let flags: UInt64
    switch (row.number, index) {
    case (SyscallNumber.open, 2): flags = arguments[1]
    case (SyscallNumber.openat, 3): flags = arguments[2]
    case (SyscallNumber.mq_open, 2), (SyscallNumber.mq_open, 3): flags = arguments[1]
    default: return false
    }
    // O_CREAT, and the bit that tells O_TMPFILE from O_DIRECTORY
    return flags & 0x40_0040 == 0
  }

  /// A sleep that wasn't interrupted leaves the time that is left as it was (nanosleep(2)).
  private func isUnwritten(_ row: SyscallDescriptor, _ index: Int, _ result: Int64?) -> Bool {
    switch (row.number, index) {
    case (SyscallNumber.nanosleep, 1), (SyscallNumber.clock_nanosleep, 3): result == 0
    default: false
    }
  }

  // MARK: - Results

  enum ResultKind {
    case number, address, mode, openFlags, descriptorFlags, none

    init(_ row: SyscallDescriptor, _ arguments: [UInt64]) {
      switch row.number {
      case SyscallNumber.mmap, SyscallNumber.mremap, SyscallNumber.brk, SyscallNumber.shmat: self = .address
      case SyscallNumber.umask: self = .mode
      case SyscallNumber.exit, SyscallNumber.exit_group: self = .none
      case SyscallNumber.fcntl where arguments[1] == 3: self = .openFlags
      case SyscallNumber.fcntl where arguments[1] == 1: self = .descriptorFlags
      default: self = .number
      }
    }
  }

  func resultText(_ result: Int64, as kind: ResultKind) -> String {
    if kind == .none { return "?" }
    if (-4095 ... -1).contains(result) {
      let errno = Int32(-result)
      let name = ErrorNames.name(errno) ?? "errno \(errno)"
      let message = ErrorNames.message(errno).map { " (\($0))" } ?? ""
      return errno >= 512 ? "? \(name)\(message)" : "-1 \(name)\(message)"
    }
    let bits = UInt64(bitPattern: result)
    switch kind {
    case .number, .none: return String(result)
    case .address: return PrintedText.hex(bits)
    case .mode: return PrintedText.mode(UInt32(truncatingIfNeeded: bits))
    case .openFlags: return "\(PrintedText.hex(bits)) (flags \(NameTable.openFlags.describe(bits)))"
    case .descriptorFlags:
      return bits == 0 ? "0" : "\(PrintedText.hex(bits)) (flags \(NameTable.descriptorFlags.describe(bits)))"
    }
  }
}
