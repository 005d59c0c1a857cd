import Execution
package import TraceFormat
package import Translation

extension SoftwareEngine {
  /// An engine for what a trace's header says of the processor.
  package static func make(
    _ header: TraceHeader, _ options: TranslationOptions = TranslationOptions()
  ) -> SoftwareEngine {
    let table = CPUIDTable(records: header.cpuid)
    let processor = ProcessorIdentity(xcr0: header.xcr0) { leaf, subleaf in
      let answer = table.answer(leaf: leaf, subleaf: subleaf)
      return (answer.eax, answer.ebx, answer.ecx, answer.edx)
    }
    return SoftwareEngine(options: options, processor: processor)
  }
}
