// The whole list of faults, from a server that speaks the protocol of ollama.
import { testFaults } from "./faults.mjs";

testFaults("ollama");
