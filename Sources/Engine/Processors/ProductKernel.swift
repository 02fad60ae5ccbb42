// What multiplies: kernels of this package where the processor has their vectors, OpenBLAS elsewhere.

import CKernels
import COpenBLAS

/// What computes a processor's matrix products.
public enum ProductKernel: Sendable, CaseIterable {
    /// Vectors of 16 numbers.
    case avx512
    /// Vectors of 8 numbers; the same bytes come out as with 16.
    case avx2
    /// OpenBLAS's kernels for whatever processor this is.
    case openBLAS

    /// The fastest of this processor.
    public static var fastest: ProductKernel { allCases.first { $0.isAvailable } ?? .openBLAS }

    /// Whether this processor can compute with it.
    public var isAvailable: Bool {
        switch self {
        case .avx512: kernels_widest_vectors() >= KERNELS_AVX512.rawValue
        case .avx2: kernels_widest_vectors() >= KERNELS_AVX2.rawValue
        case .openBLAS: true
        }
    }

    /// Whether a row's numbers are the same whatever rows stand beside it; OpenBLAS's are not (decision 0006).
    var keepsRowsApart: Bool { self != .openBLAS }

    /// Equal names give equal numbers: both widths of vectors add in one order, and fuse products and sums alike.
    public var name: String {
        switch self {
        case .avx512, .avx2: return "fma"
        case .openBLAS:
            let core = unsafe String(cString: openblas_get_corename())
            let version = unsafe String(cString: openblas_get_config()).split(separator: " ").prefix(2)
            return "\(core)-\(version.joined(separator: "-"))"
        }
    }

    /// Computes one product on the calling thread.
    func multiply(_ product: kernels_product) {
        var product = unsafe product
        switch self {
        case .avx512: unsafe kernels_multiply(&product, KERNELS_AVX512)
        case .avx2: unsafe kernels_multiply(&product, KERNELS_AVX2)
        case .openBLAS: unsafe Self.multiplyByOpenBLAS(product)
        }
    }

    /// Panel by panel: a panel is a row-major matrix of 16 columns.
    private static func multiplyByOpenBLAS(_ product: kernels_product) {
        precondition(unsafe product.row_bias == nil, "only products of few rows begin with a number a row")
        let width = Int(KERNELS_PANEL_COLUMNS)
        for column in unsafe stride(from: 0, to: product.columns, by: width) {
            let panel = column / width
            let columns = unsafe min(width, product.columns - column)
            let y = unsafe product.y + panel * product.y_panel_stride
            if unsafe product.adds == 0 {
                for row in unsafe 0..<product.rows {
                    let to = unsafe y + row * product.y_stride
                    if let bias = unsafe product.bias {
                        unsafe to.update(from: bias + column, count: columns)
                    } else {
                        unsafe to.update(repeating: 0, count: columns)
                    }
                }
            }
            unsafe cblas_sgemm(
                CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(product.rows), Int32(columns), Int32(product.length),
                1,
                product.x, Int32(product.x_stride), product.panels + panel * product.panel_stride, Int32(width), 1, y,
                Int32(product.y_stride))
            if let shortcut = unsafe product.plus {
                for row in unsafe 0..<product.rows {
                    let offset = unsafe panel * product.y_panel_stride + row * product.y_stride
                    for index in offset..<offset + columns { unsafe product.y[index] += shortcut[index] }
                }
            }
            guard unsafe !product.activation.isNone else { continue }
            unsafe kernels_activate(
                product.activation, y, product.y_stride, y, product.y_stride, product.rows, columns)
        }
    }
}
