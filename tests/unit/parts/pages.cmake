# SPDX-License-Identifier: Apache-2.0
unit_test(pages snapshot platform base PkgConfig::ZSTD)
unit_test(pages_load snapshot platform base)
