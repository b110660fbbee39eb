# SPDX-License-Identifier: Apache-2.0
# Images as directories, the control protocol, the tools.
unit_test(control control snapshot base)
unit_test(manifest snapshot base PkgConfig::JSON_C)
unit_test(image_dir snapshot base)
