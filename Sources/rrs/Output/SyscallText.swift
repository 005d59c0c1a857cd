import KernelABI
import Syscalls
import TraceFormat

/// A system call as a line: name, arguments and result.
struct SyscallText {
  var event: TraceEvent
  var call: SyscallEvent
  var reader: TraceReader

  var text: String {
    get throws {
      let name = SyscallTable.name(call.number)
      guard let registers = event.registers else { return name }
      return name + "(" + arguments(registers) + ")" + ending(registers)
    }
  }

  private func arguments(_ registers: Registers) -> String {
    let count = SyscallTable.descriptor(call.number)?.parameters.count ?? 6
    return (0..<min(count, 6)).map { TextFormat.hex(registers.argument($0)) }.joined(separator: ", ")
  }

  private func ending(_ registers: Registers) -> String {
    switch call.phase {
    case .entry: return " ..."
    case .interrupted: return " = ? (interrupted by a signal)"
    case .exit:
      return " = \(registers.syscallResult)"
    }
  }
}
