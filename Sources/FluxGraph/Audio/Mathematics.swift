internal import Glibc

/// `base` raised to `exponent`. Importing this module does not bring C's `pow` along, so authors of stages find it here.
public func power(_ base: Double, _ exponent: Double) -> Double {
  pow(base, exponent)
}
