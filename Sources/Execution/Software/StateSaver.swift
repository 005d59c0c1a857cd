import CLinuxShim
package import KernelABI
package import TraceeControl
package import X86

/// Executes the instructions that save processor state, so that what they write is a function of the program's state.
///
/// The processor leaves out what it knows to be in its initial configuration, and that depends on context switches;
/// here every component that the program asks for counts as in use. x87 instruction pointers are addresses of the
/// code cache; they are translated back.
package struct StateSaver: Sendable {
  package enum Outcome: Equatable, Sendable {
    /// Done; the instruction pointer is behind the instruction.
    case executed
    /// Memory can't be written, or the operand isn't aligned: nothing has changed but bytes that the instruction would
    /// have written. Executed natively the instruction faults as it must; if it does not, because the stack has grown
    /// for it, the registers it began with are to be restored and the instruction executed here again.
    case memoryFault
  }

  /// Of this machine: how the kernel hands the state out.
  private let machine: ExtendedStateLayout
  /// Of the machine that the program sees.
  private let program: ExtendedStateLayout
  private let xcr0: UInt64

  /// `program` and `xcr0` are what the program is told by cpuid and `xgetbv`.
  package init(machine: ExtendedStateLayout, program: ExtendedStateLayout, xcr0: UInt64) {
    self.machine = machine
    self.program = program
    self.xcr0 = xcr0
  }

  /// Preconditions: the tracee is in a ptrace-stop, and its registers are the application's at the instruction.
  /// `applicationAddress` translates an address of the code cache and leaves others as they are.
  package func execute(
    _ save: StateSave, _ tracee: Tracee, applicationAddress: (UInt64) -> UInt64 = { _ in 0 }
  ) throws(KernelError) -> Outcome {
    var registers = try tracee.registers()
    let address = save.operand.address(registers, length: save.length)
    guard address % Self.alignment(save.form) == 0 else { return .memoryFault }
    var state = ProcessorState(bytes: try Ptrace.extendedState(tracee.tid), layout: machine)
    if state.instructionPointer != 0 { state.instructionPointer = applicationAddress(state.instructionPointer) }
    var oldPresent: UInt64 = 0
    if save.form == .xsave {
      let header = RemotePointer(address &+ UInt64(ExtendedStateLayout.headerOffset))
      guard let found = tracee.read(header, as: UInt64.self) else { return .memoryFault }
      oldPresent = found
    }
    let wanted = (registers.rdx << 32 | registers.rax & 0xFFFF_FFFF) & xcr0
    let image = StateImage(save, of: state, components: wanted, oldPresent: oldPresent, layout: program)
    for piece in image.pieces where !write(piece, at: address, tracee) { return .memoryFault }
    try finish(save, &state, tracee)
    registers.rip &+= UInt64(save.length)
    tracee.setRegisters(registers)
    return .executed
  }

  private static func alignment(_ form: StateSave.Form) -> UInt64 {
    switch form {
    case .xsave, .xsavec: 64
    case .fxsave: 16
    case .fnsave, .fnstenv: 1
    }
  }

  /// Writes as the program itself could: process_vm_writev(2) minds the pages' protection.
  private func write(_ piece: StateImage.Piece, at address: UInt64, _ tracee: Tracee) -> Bool {
    piece.bytes.withUnsafeBytes {
      rrs_write_memory(tracee.tid.rawValue, $0.baseAddress, $0.count, address &+ UInt64(piece.offset)) == $0.count
    }
  }

  private func finish(
    _ save: StateSave, _ state: inout ProcessorState, _ tracee: Tracee
  ) throws(KernelError) {
    let before = state
    switch save.form {
    case .fnsave: state.initializeX87()
    case .fnstenv: state.maskX87Exceptions()
    case .fxsave, .xsave, .xsavec: return
    }
    if state != before { try Ptrace.setExtendedState(tracee.tid, state.bytes) }
  }
}
