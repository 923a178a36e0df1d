# Spectra (seasonality), in single precision: imported target KissFFT::KissFFT.
include(${CMAKE_CURRENT_LIST_DIR}/NotchFind.cmake)
notch_find_library(
    KissFFT
    TARGET KissFFT::KissFFT
    HEADER kiss_fft.h
    LIBRARY kissfft-float
    DEBIAN libkissfft-dev
    PKGCONFIG kissfft-float)
