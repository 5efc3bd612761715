internal import CPlatform

/// The processors this process may run on: in a container, or under taskset(1), fewer than the machine has.
package var processorCount: Int { Int(CPlatform_processors()) }
