# SPDX-License-Identifier: Apache-2.0
# cmake --install: the tools with sbx-kernel beside them, where they look for it, the man pages, and
# the completion, which bash finds by the name of the command.
include(GNUInstallDirs)
install(TARGETS sbx sbx-kernel sbx-checkpoint sbx-restore sbx-inspect
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY docs/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1")
foreach(tool sbx sbx-checkpoint sbx-restore sbx-inspect)
    install(FILES scripts/completion/sbx.bash
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME ${tool})
endforeach()
