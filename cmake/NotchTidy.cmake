# NOTCH_TIDY: clang-tidy (checks in .clang-tidy) and cppcheck look at each file of the tree as it is
# compiled; what they find is an error. Included before any target exists.
find_program(NOTCH_CLANG_TIDY clang-tidy)
find_program(NOTCH_CPPCHECK cppcheck)
mark_as_advanced(NOTCH_CLANG_TIDY NOTCH_CPPCHECK)
if(NOT NOTCH_CLANG_TIDY OR NOT NOTCH_CPPCHECK)
    message(FATAL_ERROR "NOTCH_TIDY needs clang-tidy and cppcheck; contrib/setup --group test installs them")
endif()
set(CMAKE_C_CLANG_TIDY ${NOTCH_CLANG_TIDY} --quiet)
set(CMAKE_C_CPPCHECK
    ${NOTCH_CPPCHECK}
    --quiet
    --std=c11
    --enable=warning,performance,portability
    --inline-suppr
    --error-exitcode=1
    --suppressions-list=${PROJECT_SOURCE_DIR}/contrib/lint/cppcheck.txt)
