import Execution
import TraceFormat

extension TraceHeader {
  /// Where the recorded program finds the components of the extended state.
  var extendedStateLayout: ExtendedStateLayout {
    ExtendedStateLayout { subleaf in
      let answer = CPUIDTable(records: cpuid).answer(leaf: 0xd, subleaf: subleaf)
      return (answer.eax, answer.ebx, answer.ecx)
    }
  }
}
