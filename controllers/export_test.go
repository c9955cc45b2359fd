package controllers

// Identity lets tests put something foreign where a vault's own is going to be.
var Identity = identity

// Admits is asked by tests for each thing that a class can refuse.
var Admits = admits
