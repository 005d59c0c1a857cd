/// A thread's registers. `extended` is the XSAVE area in the standard format (PTRACE_GETREGSET, NT_X86_XSTATE).
package struct ThreadRegisters: Equatable, Sendable {
  package var general: Registers
  package var extended: [UInt8]

  package init(general: Registers, extended: [UInt8]) {
    self.general = general
    self.extended = extended
  }
}

/// What there is beyond SSE: bits of XCR0, and the offsets of its components in the XSAVE area (CPUID leaf 0xd).
package struct RegisterFeatures: Equatable, Sendable {
  package var xcr0: UInt64
  /// The byte offset of a component, for the components of `xcr0`.
  package var offsets: [Int: Int]

  package init(xcr0: UInt64, offsets: [Int: Int]) {
    self.xcr0 = xcr0
    self.offsets = offsets
  }
}
