package import KernelABI

extension Registers {
  /// A general register by its number in machine code.
  package subscript(register: GeneralRegister) -> UInt64 {
    get { self[keyPath: Self.keyPath(register)] }
    set { self[keyPath: Self.keyPath(register)] = newValue }
  }

  private static func keyPath(_ register: GeneralRegister) -> WritableKeyPath<Registers, UInt64> {
    switch register {
    case .rax: \.rax
    case .rcx: \.rcx
    case .rdx: \.rdx
    case .rbx: \.rbx
    case .rsp: \.rsp
    case .rbp: \.rbp
    case .rsi: \.rsi
    case .rdi: \.rdi
    case .r8: \.r8
    case .r9: \.r9
    case .r10: \.r10
    case .r11: \.r11
    case .r12: \.r12
    case .r13: \.r13
    case .r14: \.r14
    case .r15: \.r15
    }
  }
}
