import { testFaults } from "./faults.mjs";

testFaults("anthropic");
