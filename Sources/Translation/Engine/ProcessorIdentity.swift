/// The processor that programs see: what cpuid answers, and which parts of the extended state there are.
package struct ProcessorIdentity: Sendable {
  package typealias Answer = (eax: UInt32, ebx: UInt32, ecx: UInt32, edx: UInt32)

  /// The answer to cpuid for a leaf and a subleaf.
  package var answer: @Sendable (_ leaf: UInt32, _ subleaf: UInt32) -> Answer
  /// What xgetbv answers for ecx = 0.
  package var xcr0: UInt64

  package init(xcr0: UInt64, answer: @escaping @Sendable (_ leaf: UInt32, _ subleaf: UInt32) -> Answer) {
    self.xcr0 = xcr0
    self.answer = answer
  }
}
