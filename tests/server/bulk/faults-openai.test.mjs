import { testFaults } from "./faults.mjs";

testFaults("openai");
