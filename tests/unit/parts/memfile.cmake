# SPDX-License-Identifier: Apache-2.0
unit_test(memfile_run platform base)
unit_test(memfile_chunk platform base)
unit_test(memfile_absent platform base)
unit_test(memfile_freeze platform base)
